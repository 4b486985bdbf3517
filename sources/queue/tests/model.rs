//! Whatever is done in whatever order, the queue agrees with a model too simple to be wrong.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use common::{START, World, at, class, job};
use headcount_model::{ClassKey, JobEnd, JobId, SourceEvent, Timestamp};
use headcount_ports::{JobBook, JobStatus, NewJob, Source};
use headcount_source_queue::Cancelled;
use proptest::prelude::*;
use proptest::sample::Index;

const CLASSES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Submit {
        class: usize,
        n: usize,
        expires_in: u64,
    },
    Take {
        class: usize,
        n: u32,
    },
    GiveBack(Index),
    Complete(Index),
    Cancel(Index),
    Expire {
        class: usize,
        passes: u64,
    },
    Fail(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let class = 0..CLASSES.len();
    prop_oneof![
        6 => (class.clone(), 1..5_usize, 1..2000_u64)
            .prop_map(|(class, n, expires_in)| Step::Submit { class, n, expires_in }),
        6 => (class.clone(), 0..4_u32).prop_map(|(class, n)| Step::Take { class, n }),
        3 => any::<Index>().prop_map(Step::GiveBack),
        3 => any::<Index>().prop_map(Step::Complete),
        3 => any::<Index>().prop_map(Step::Cancel),
        3 => (class.clone(), 0..300_u64).prop_map(|(class, passes)| Step::Expire { class, passes }),
        1 => class.prop_map(Step::Fail),
        1 => Just(Step::Restart),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stands {
    Waits,
    Taken,
    TakenAndCancelled,
    Ended(JobStatus),
}

#[derive(Debug)]
struct Known {
    class: &'static str,
    expires_at: Timestamp,
    stands: Stands,
}

#[derive(Default)]
struct Model {
    jobs: BTreeMap<JobId, Known>,
    now: u64,
}

impl Model {
    fn waiting(&self, class: &str) -> Vec<JobId> {
        let waits = |it: &Known| it.class == class && it.stands == Stands::Waits;
        self.jobs
            .iter()
            .filter(|(_, it)| waits(it))
            .map(|(id, _)| *id)
            .collect()
    }

    fn pick(&self, index: Index, from: impl Fn(Stands) -> bool) -> Option<JobId> {
        let found: Vec<_> = self.jobs.iter().filter(|(_, it)| from(it.stands)).collect();
        (!found.is_empty()).then(|| *index.get(&found).0)
    }

    fn set(&mut self, id: JobId, stands: Stands) {
        self.jobs.get_mut(&id).unwrap().stands = stands;
    }
}

const fn is_taken(stands: Stands) -> bool {
    matches!(stands, Stands::Taken | Stands::TakenAndCancelled)
}

async fn walk(steps: Vec<Step>) {
    let mut world = World::new().await;
    let mut model = Model::default();
    let mut last_sample = 0;
    for step in steps {
        if matches!(step, Step::Restart) {
            let (book, posted) = world.close().await;
            check_posted(&model, &posted);
            world = World::over(book, 1_000_000).await;
            world.clock.store(START + model.now, Ordering::SeqCst);
            for known in model.jobs.values_mut().filter(|it| is_taken(it.stands)) {
                known.stands = Stands::Waits;
            }
            last_sample = 0;
        } else {
            apply(&world, &mut model, step).await;
        }
        last_sample = check(&world, &model, last_sample).await;
    }
    let (book, posted) = world.close().await;
    check_posted(&model, &posted);
    for (id, known) in &model.jobs {
        let status = book.get(*id).await.unwrap().unwrap().status;
        let expected = match known.stands {
            Stands::Ended(status) => status,
            _ => JobStatus::Queued,
        };
        assert_eq!(status, expected, "{id}");
    }
}

async fn apply(world: &World, model: &mut Model, step: Step) {
    let queue = &world.queue;
    match step {
        Step::Submit {
            class,
            n,
            expires_in,
        } => {
            let class = CLASSES[class];
            let expires_at = at(model.now + expires_in);
            let asked = NewJob {
                expires_at: Some(expires_at),
                ..job(class)
            };
            for accepted in queue.submit(vec![asked; n]).await.unwrap() {
                let stands = Stands::Waits;
                model.jobs.insert(
                    accepted.job,
                    Known {
                        class,
                        expires_at,
                        stands,
                    },
                );
            }
        }
        Step::Take { class: index, n } => {
            let taken = queue.take(&class(CLASSES[index]), n).await.unwrap();
            let mut expected = model.waiting(CLASSES[index]);
            let left = expected.split_off(expected.len().min(n as usize));
            assert_eq!(
                taken.jobs.iter().map(|it| it.job).collect::<Vec<_>>(),
                expected
            );
            assert_eq!(taken.class_after.waiting, left.len() as u64);
            expected
                .into_iter()
                .for_each(|id| model.set(id, Stands::Taken));
        }
        Step::GiveBack(index) => {
            let Some(id) = model.pick(index, is_taken) else {
                return;
            };
            queue.give_back(id, 0, 1).await.unwrap();
            match model.jobs[&id].stands {
                Stands::Taken => model.set(id, Stands::Waits),
                _ => model.set(id, Stands::Ended(JobStatus::Cancelled)),
            }
        }
        Step::Complete(index) => {
            let Some(id) = model.pick(index, is_taken) else {
                return;
            };
            queue
                .complete(id, &JobEnd::Succeeded, at(model.now))
                .await
                .unwrap();
            model.set(id, Stands::Ended(JobStatus::Succeeded));
        }
        Step::Cancel(index) => cancel(world, model, index).await,
        Step::Expire {
            class: index,
            passes,
        } => {
            model.now += passes;
            world.clock.store(START + model.now, Ordering::SeqCst);
            queue
                .expire(&class(CLASSES[index]), at(model.now))
                .await
                .unwrap();
            for id in model.waiting(CLASSES[index]) {
                if model.jobs[&id].expires_at <= at(model.now) {
                    model.set(id, Stands::Ended(JobStatus::Expired));
                }
            }
        }
        Step::Fail(index) => {
            let end = JobEnd::Cancelled { outcome: None };
            queue
                .fail_class(&class(CLASSES[index]), &end, at(model.now))
                .await
                .unwrap();
            for id in model.waiting(CLASSES[index]) {
                model.set(id, Stands::Ended(JobStatus::Cancelled));
            }
        }
        Step::Restart => {}
    }
}

async fn cancel(world: &World, model: &mut Model, index: Index) {
    let Some(id) = model.pick(index, |_| true) else {
        return;
    };
    let answer = world.queue.cancel(id).await;
    match model.jobs[&id].stands {
        Stands::Waits => {
            assert_eq!(answer, Ok(Cancelled::Ended));
            model.set(id, Stands::Ended(JobStatus::Cancelled));
        }
        Stands::Taken | Stands::TakenAndCancelled => {
            assert_eq!(answer, Ok(Cancelled::Requested));
            model.set(id, Stands::TakenAndCancelled);
        }
        Stands::Ended(_) => assert!(answer.is_err()),
    }
}

/// The numbers are the model's, and the sample has grown.
async fn check(world: &World, model: &Model, last_sample: u64) -> u64 {
    let demand = world.queue.refresh().await.unwrap();
    assert!(demand.sample > last_sample);
    let mut found: BTreeMap<ClassKey, _> = demand.classes.into_iter().collect();
    for label in CLASSES {
        let waiting = model.waiting(label);
        let count = found.remove(&class(label)).unwrap_or_default();
        assert_eq!(count.waiting, waiting.len() as u64, "{label}");
        let expiry = waiting.iter().map(|id| model.jobs[id].expires_at).min();
        assert_eq!(count.next_expiry, expiry, "{label}");
        for (ahead, id) in waiting.iter().enumerate() {
            let position = world.queue.position(*id).unwrap();
            assert_eq!(position.ahead, ahead as u64, "{id}");
        }
    }
    assert!(
        found.is_empty(),
        "only classes in which jobs wait are listed"
    );
    demand.sample
}

/// Samples only grow, and the last numbers posted of a class are the true ones.
fn check_posted(model: &Model, posted: &[SourceEvent]) {
    let mut last_sample = 0;
    let mut last: BTreeMap<&ClassKey, u64> = BTreeMap::new();
    for event in posted {
        if let SourceEvent::Demand {
            sample,
            class,
            count,
        } = event
        {
            assert!(*sample > last_sample);
            last_sample = *sample;
            last.insert(class, count.waiting);
        }
    }
    for label in CLASSES {
        if let Some(waiting) = last.get(&class(label)) {
            assert_eq!(*waiting, model.waiting(label).len() as u64, "{label}");
        }
    }
}

proptest! {
    #[test]
    fn the_queue_agrees_with_the_model(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(walk(steps));
    }
}
