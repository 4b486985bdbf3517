//! Creating: at most one container an agent, whoever asks how often.
//!
//! Promise: what fails half-way is removed before the error is told; when even that cannot
//! be confirmed, the error says that the outcome is unknown.

use std::sync::Arc;
use std::time::Duration;

use bollard::body_full;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, StartContainerOptions, UploadToContainerOptionsBuilder,
};
use headcount_model::{
    BackendEvent, ContainerNetwork, ContainerProgram, ContainerRecipe, PullPolicy, Recipe,
};
use headcount_ports::turns::{self, Asker, Place};
use headcount_ports::{BackendError, CreateRequest};

use super::look::{Found, look};
use super::{Core, ending};
use crate::body::{Parts, body};
use crate::fence::Seat;
use crate::handover::{self, TokenFile};
use headcount_engines::Image;
use headcount_engines::{ANSWER_WAIT, Client, Fault, Verdict, within};

/// An engine that makes many containers at once takes its time.
const MAKE_WAIT: Duration = Duration::from_secs(120);

/// See the port. The making itself goes on when this is dropped; a destroy that follows
/// waits for it.
pub(super) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<(), BackendError> {
    let agent = request.agent;
    if let Some(exit) = core.turns.over(agent) {
        core.tell(BackendEvent::Gone(agent, exit)).await;
        return Ok(());
    }
    let Recipe::Container(recipe) = &*request.recipe else {
        return Err(BackendError::Invalid(format!(
            "{agent} is not to be a container; please report this"
        )));
    };
    let image = match core.images.ready(&recipe.image, recipe.pull).await {
        Err(error) => return without_image(core, &request, error).await,
        Ok(image) => image,
    };
    let place = core.turns.enter_to_make(agent);
    let core = core.clone();
    turns::to_the_end(|asker| async move { bear(&core, &request, image, &place, &asker).await })
        .await
}

/// There is no image; but the agent may have been made while there was one.
async fn without_image(
    core: &Core,
    request: &CreateRequest,
    error: BackendError,
) -> Result<(), BackendError> {
    let client = core.engine.client().await?;
    match look(core, &client, request.agent).await {
        Ok(Found::Nothing | Found::Foreign | Found::Created) => Err(error),
        Ok(Found::Running | Found::Ended { .. }) => Ok(()),
        Err(fault) => Err(fault.as_unknown()),
    }
}

async fn bear(
    core: &Arc<Core>,
    request: &CreateRequest,
    image: Option<Image>,
    place: &Place,
    asker: &Asker,
) -> Result<(), BackendError> {
    let _turn = place.turn().await;
    place.still_wanted(asker)?;
    let Recipe::Container(recipe) = &*request.recipe else {
        return Err(BackendError::Invalid("not a container".into()));
    };
    let client = core.engine.client().await?;
    // Lives until the container has been started.
    let token = token_file(core, &client, request, recipe, image)?;
    let seat = seat(core, &client, request, recipe).await?;
    let parts = Parts {
        seat: seat.as_ref(),
        token: token.as_ref().map(TokenFile::path),
    };
    match make(core, &client, request, recipe, &parts).await {
        Ok(true) => {}
        // It stands already and has been started once.
        Ok(false) => return Ok(()),
        Err(error) => return Err(give_up(core, &client, request, error).await),
    }
    match equip_and_start(core, &client, request, &parts).await {
        Ok(()) => {
            core.tell(BackendEvent::Running(request.agent)).await;
            Ok(())
        }
        Err(fault) => Err(undo(core, &client, request, fault).await),
    }
}

fn token_file(
    core: &Core,
    client: &Client,
    request: &CreateRequest,
    recipe: &ContainerRecipe,
    image: Option<Image>,
) -> Result<Option<TokenFile>, BackendError> {
    let mounted = image.is_some_and(|image| handover::mounts(client, recipe, image));
    let Some(token) = request.token.as_ref().filter(|_| mounted) else {
        return Ok(None);
    };
    let file = core.tokens.put(request.agent, token);
    file.map(Some).map_err(BackendError::Transient)
}

/// Its place on the isolated network, admitted before anything runs there.
async fn seat(
    core: &Core,
    client: &Client,
    request: &CreateRequest,
    recipe: &ContainerRecipe,
) -> Result<Option<Seat>, BackendError> {
    let ContainerNetwork::Isolated(policy) = &recipe.network else {
        return Ok(None);
    };
    let url = match &recipe.program {
        ContainerProgram::ImageAgent { orchestrator_url } => {
            orchestrator_url.as_deref().or(core.options.call_back.url())
        }
        ContainerProgram::OwnAgent | ContainerProgram::Worker(_) => None,
    };
    let admitting = core.fence.admit(client, request.agent, policy, url);
    let seat = admitting.await?;
    core.tell(BackendEvent::Fenced(request.agent)).await;
    Ok(Some(seat))
}

/// No container came of it: its address is given back, unless nobody knows.
async fn give_up(
    core: &Core,
    client: &Client,
    request: &CreateRequest,
    error: BackendError,
) -> BackendError {
    if matches!(error, BackendError::Unknown(_)) {
        return error;
    }
    if let Err(left) = core.fence.withdraw(client, request.agent).await {
        tracing::warn!(agent = %request.agent, error = left.message, "its address stays taken");
    }
    error
}

/// Makes the container. False when it stands already and is past being started.
async fn make(
    core: &Arc<Core>,
    client: &Client,
    request: &CreateRequest,
    recipe: &ContainerRecipe,
    parts: &Parts<'_>,
) -> Result<bool, BackendError> {
    let (ours, options) = (&core.ours, &core.options);
    let body = body(request, recipe, ours, options, client, parts)?;
    let name = core.ours.name(request.agent);
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let making = client.docker.create_container(Some(options), body);
    match within("make the container", MAKE_WAIT, making).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.verdict == Verdict::Conflict => meet(core, client, request).await,
        Err(fault) if fault.verdict == Verdict::Absent => Err(no_image(recipe, &fault)),
        Err(fault) if fault.verdict == Verdict::Silent => {
            Err(undo(core, client, request, fault).await)
        }
        Err(fault) => Err(fault.as_not_done()),
    }
}

/// The name is taken: by an earlier call for this agent, or by somebody else.
async fn meet(
    core: &Arc<Core>,
    client: &Client,
    request: &CreateRequest,
) -> Result<bool, BackendError> {
    let agent = request.agent;
    match look(core, client, agent).await {
        Ok(Found::Created) => Ok(true),
        Ok(Found::Running) => {
            core.tell(BackendEvent::Running(agent)).await;
            Ok(false)
        }
        Ok(Found::Ended { .. }) => {
            super::watch::bury_later(core, agent);
            Ok(false)
        }
        Ok(Found::Nothing) => Err(BackendError::Transient(format!(
            "the container of {agent} was removed while it was made"
        ))),
        Ok(Found::Foreign) => Err(BackendError::Invalid(format!(
            "a container that is not ours has the name `{}`; rename or remove it",
            core.ours.name(agent)
        ))),
        Err(fault) => Err(fault.as_unknown()),
    }
}

fn no_image(recipe: &ContainerRecipe, fault: &Fault) -> BackendError {
    let image = &recipe.image;
    BackendError::Invalid(match recipe.pull {
        PullPolicy::Never => format!(
            "the engine does not have the image `{image}`, and `imagePullPolicy: Never` forbids \
             fetching it"
        ),
        PullPolicy::Always | PullPolicy::IfNotPresent => fault.message.clone(),
    })
}

async fn equip_and_start(
    core: &Core,
    client: &Client,
    request: &CreateRequest,
    parts: &Parts<'_>,
) -> Result<(), Fault> {
    if parts.token.is_none() {
        equip(core, client, request).await?;
    }
    let name = core.ours.name(request.agent);
    let starting = client
        .docker
        .start_container(&name, None::<StartContainerOptions>);
    within("start the container", MAKE_WAIT, starting).await
}

async fn equip(core: &Core, client: &Client, request: &CreateRequest) -> Result<(), Fault> {
    let name = core.ours.name(request.agent);
    let packed = headcount_engines::pack(request.token.as_ref()).map_err(|error| Fault {
        verdict: Verdict::Failed,
        message: format!("what {} needs cannot be packed: {error}", request.agent),
    })?;
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let docker = &client.docker;
    let putting = docker.upload_to_container(&name, Some(options), body_full(packed.into()));
    within("put files into the container", ANSWER_WAIT, putting).await
}

/// Removes what was made. The error says whether that is certain.
async fn undo(core: &Core, client: &Client, request: &CreateRequest, fault: Fault) -> BackendError {
    let removed = ending::remove(core, client, request.agent).await;
    // Somebody may have removed the network.
    core.fence.forget().await;
    match removed {
        Ok(()) => match fault.verdict {
            // The image is there, or there would be no container: something in it is not.
            Verdict::Absent | Verdict::Conflict => BackendError::Invalid(fault.message),
            _ => fault.as_not_done(),
        },
        Err(left) => BackendError::Unknown(format!("{}; and then {}", fault.message, left.message)),
    }
}
