//! The words of `create`.
//!
//! Promise: pure; options go first, then those with the machine's name in them, each as one
//! word whatever is in it; what marks the machine follows, merged with what the user has
//! written for the same option, because a driver would take only one of them.

use headcount_model::{AgentId, DockerMachineRecipe, MACHINE_NAME_PLACE, MachineOption, PoolName};

use crate::environment::variable_of;
use crate::marks::Ours;

/// The longest value of a tag of EC2.
const MAX_TAG: usize = 256;

/// Which machine is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) ours: &'a Ours,
    pub(crate) agent: AgentId,
    pub(crate) pool: &'a PoolName,
    pub(crate) name: &'a str,
}

/// Everything after the global words.
pub(crate) fn create(recipe: &DockerMachineRecipe, wanted: &Wanted<'_>) -> Vec<String> {
    let mut options = written(recipe, wanted.name);
    if let Some((option, tags)) = tags(&recipe.driver, wanted) {
        merge(&mut options, option, &tags);
    }
    let label = wanted.ours.label(wanted.agent, wanted.pool);
    options.push(format!("engine-label={label}"));
    let mut words = vec![
        "create".to_owned(),
        "--driver".to_owned(),
        recipe.driver.clone(),
    ];
    words.extend(options.into_iter().map(|option| format!("--{option}")));
    words.push(wanted.name.to_owned());
    words
}

fn written(recipe: &DockerMachineRecipe, name: &str) -> Vec<String> {
    let options = recipe.options.iter().filter_map(|option| match option {
        MachineOption::Plain(text) => Some(text.clone()),
        MachineOption::Secret { name, .. } if variable_of(name).is_some() => None,
        MachineOption::Secret { name, value } => Some(format!("{name}={}", value.expose())),
    });
    let named = recipe.options_with_name.iter();
    let named = named.map(|option| option.replace(MACHINE_NAME_PLACE, name));
    options.chain(named).collect()
}

/// What the cloud itself shows of a machine, where its driver can say it: the option and
/// its value, with commas between.
fn tags(driver: &str, wanted: &Wanted<'_>) -> Option<(&'static str, String)> {
    let owner = wanted.ours.digits();
    match driver {
        "amazonec2" => Some((
            "amazonec2-tags",
            format!(
                "headcount-owner,{},headcount-pool,{},headcount-agent,{}",
                tag(wanted.ours.owner.as_str()),
                tag(wanted.pool.as_str()),
                wanted.agent
            ),
        )),
        "digitalocean" => Some(("digitalocean-tags", format!("headcount,headcount-{owner}"))),
        "google" => Some(("google-tags", format!("headcount,headcount-{owner}"))),
        _ => None,
    }
}

/// What every tag may be made of.
fn tag(text: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
    let fit = text.chars().map(|c| if usual(c) { c } else { '_' });
    fit.take(MAX_TAG).collect()
}

/// Puts it to what is written for the same option, or adds it.
fn merge(options: &mut Vec<String>, option: &str, value: &str) {
    let same = |text: &&mut String| {
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        name == option
    };
    match options.iter_mut().rfind(same) {
        Some(text) if text.ends_with('=') => text.push_str(value),
        Some(text) if text.contains('=') => text.push_str(&format!(",{value}")),
        Some(text) => text.push_str(&format!("={value}")),
        None => options.push(format!("{option}={value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::{BackendId, OwnerId, PullPolicy, Secret};

    fn recipe(driver: &str, options: Vec<MachineOption>) -> DockerMachineRecipe {
        DockerMachineRecipe {
            tool: Default::default(),
            driver: driver.into(),
            name: "m-%s".into(),
            options,
            options_with_name: vec!["x=%s".into(), "y=%s-suffix".into()],
            image: "i".into(),
            pull: PullPolicy::Always,
            agent_of_image: false,
            env: [].into(),
            secret_env: Vec::new(),
            volumes: Vec::new(),
            privileged: false,
            agent_url: None,
        }
    }

    fn words(recipe: &DockerMachineRecipe) -> Vec<String> {
        let ours = Ours {
            owner: OwnerId::new("o"),
            backend: BackendId::new("docker-machine"),
        };
        create(
            recipe,
            &Wanted {
                ours: &ours,
                agent: AgentId {
                    epoch: 1,
                    number: 2,
                },
                pool: &PoolName::new("s/a,b"),
                name: "NAME",
            },
        )
    }

    fn plain(text: &str) -> MachineOption {
        MachineOption::Plain(text.into())
    }

    /// Vector 85 of GitLab's tests, and our mark.
    #[test]
    fn options_stand_in_order_each_as_one_word() {
        let secret = |name: &str| MachineOption::Secret {
            name: name.into(),
            value: Secret::new("hunter2".into()),
        };
        let options = vec![
            plain("a"),
            plain("b=c d$(x)"),
            secret("azure-client-secret"),
            secret("new-cloud-token"),
        ];
        assert_eq!(
            words(&recipe("other", options)),
            [
                "create",
                "--driver",
                "other",
                "--a",
                "--b=c d$(x)",
                "--new-cloud-token=hunter2",
                "--x=NAME",
                "--y=NAME-suffix",
                "--engine-label=headcount.mark=v1.bw.a-1-2.cy9hLGI",
                "NAME"
            ]
        );
    }

    #[test]
    fn a_cloud_that_knows_tags_shows_whose_a_machine_is() {
        let mark = "headcount-owner,o,headcount-pool,s/a_b,headcount-agent,a-1-2";
        for (driver, options, expected) in [
            ("amazonec2", vec![], format!("--amazonec2-tags={mark}")),
            (
                "amazonec2",
                vec![plain("amazonec2-tags=team,ci")],
                format!("--amazonec2-tags=team,ci,{mark}"),
            ),
            (
                "digitalocean",
                vec![plain("digitalocean-tags=")],
                "--digitalocean-tags=headcount,headcount-296214f2".to_owned(),
            ),
            (
                "google",
                vec![],
                "--google-tags=headcount,headcount-296214f2".to_owned(),
            ),
        ] {
            let all = words(&recipe(driver, options));
            assert!(all.contains(&expected), "{expected}: {all:?}");
            let prefix = expected.split('=').next().unwrap();
            let count = all.iter().filter(|word| word.starts_with(prefix)).count();
            assert_eq!(count, 1, "{all:?}");
        }
    }
}
