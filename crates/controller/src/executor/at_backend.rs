//! Orders to backends: a bounded number at a time, each with its deadline.

use std::time::Duration;

use headcount_model::{
    AgentId, AgentKind, BackendId, LeasedInstance, Listing, OtherEnd, Secret, Trouble, TroubleKind,
};
use headcount_planner::{Action, Answered, CreateOrder};
use headcount_ports::{CreateRequest, DestroyRequest, ReapOtherRequest};
use tokio::time::{sleep, timeout};

use super::{Bounded, Executor, late};
use crate::answers;

impl Executor {
    /// Absent when the order is not one to a backend.
    pub(super) async fn at_backend(
        &self,
        action: Action,
        token: Option<Secret>,
    ) -> Option<Answered> {
        Some(match action {
            Action::Create(create) => {
                Answered::Create(create.agent, self.create(create, token).await)
            }
            Action::Destroy {
                agent,
                backend,
                grace,
                deadline,
                ..
            } => Answered::Destroy(agent, self.destroy(&backend, agent, grace, deadline).await),
            Action::Reap {
                agent,
                backend,
                grace,
                deadline,
                ..
            } => {
                let result = self.destroy(&backend, agent, grace, deadline).await;
                Answered::Reap(backend, agent, result)
            }
            Action::ReapOther {
                seen,
                backend,
                grace,
                deadline,
                ..
            } => {
                let (owner, agent) = (seen.owner.clone(), seen.agent);
                let request = ReapOtherRequest { seen, grace };
                let result = self.reap_other(&backend, request, deadline).await;
                Answered::ReapOther(backend, owner, agent, result)
            }
            Action::ListOthers {
                backend, deadline, ..
            } => {
                let result = self.list_others(&backend, deadline).await;
                Answered::ListOthers(backend, result)
            }
            Action::List {
                backend, deadline, ..
            } => {
                let result = self.list(&backend, deadline).await;
                Answered::List(backend, result)
            }
            _ => return None,
        })
    }

    async fn create(&self, order: CreateOrder, token: Option<Secret>) -> Result<(), Trouble> {
        let at = self.backend(&order.backend)?;
        // Sleeping for no time at all would wait for the next tick of the timer.
        if !order.gives_way().is_zero() {
            sleep(order.gives_way()).await;
        }
        let _permit = at.creations.acquire().await;
        let deadline = order.deadline;
        let request = CreateRequest {
            agent: order.agent,
            owner: self.owner.clone(),
            pool: order.pool,
            scaler: order.scaler,
            kind: order.kind,
            labels: order.labels.to_string(),
            granted: order.granted,
            slots: order.slots,
            log_pressure: order.log_pressure,
            deadline,
            recipe: order.recipe,
            token: token.filter(|_| order.kind == AgentKind::Managed),
        };
        match timeout(deadline, at.backend.create(request)).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("create", deadline),
        }
    }

    async fn destroy(
        &self,
        backend: &BackendId,
        agent: AgentId,
        grace: Duration,
        deadline: Duration,
    ) -> Result<(), Trouble> {
        let at = self.backend(backend)?;
        let _permit = at.removals.acquire().await;
        match timeout(
            deadline,
            at.backend.destroy(DestroyRequest { agent, grace }),
        )
        .await
        {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("destroy", deadline),
        }
    }

    async fn list(&self, backend: &BackendId, deadline: Duration) -> Result<Listing, Trouble> {
        let at = self.backend(backend)?;
        match timeout(deadline, at.backend.list()).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("list", deadline),
        }
    }

    async fn reap_other(
        &self,
        backend: &BackendId,
        request: ReapOtherRequest,
        deadline: Duration,
    ) -> Result<OtherEnd, Trouble> {
        let at = self.backend(backend)?;
        let _permit = at.removals.acquire().await;
        match timeout(deadline, at.backend.reap_other(request)).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("reap", deadline),
        }
    }

    async fn list_others(
        &self,
        backend: &BackendId,
        deadline: Duration,
    ) -> Result<Vec<LeasedInstance>, Trouble> {
        let at = self.backend(backend)?;
        match timeout(deadline, at.backend.list_others()).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("list others", deadline),
        }
    }

    fn backend(&self, id: &BackendId) -> Result<&Bounded, Trouble> {
        self.backends.get(id).ok_or_else(|| Trouble {
            kind: TroubleKind::Unknown,
            message: format!("backend {id} is not wired in this daemon"),
        })
    }
}
