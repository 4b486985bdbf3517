//! What the engine is asked to make.
//!
//! Promise: a pure function of the request; the same request asks for the same container.
//! Whatever is not granted is not there: capabilities, privileges, processes, memory, CPU
//! time and logs are bounded. Leaves to others: asking (`backend`).

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, Mount, MountType,
    NetworkingConfig,
};
use headcount_engines::{Client, TOKEN, bounds};
use headcount_model::{ContainerProgram, ContainerRecipe};
use headcount_ports::{BackendError, CreateRequest};

use crate::environment::environment;
use crate::fence::Seat;
use crate::marks::Ours;
use crate::options::ContainerOptions;

/// Where the daemon's own binary is mounted.
const BINARY: &str = "/headcount/headcount";
/// Where the directory of the agents' socket is mounted.
pub(crate) const SOCKET_FOLDER: &str = "/headcount/run";
/// What was prepared for a container before it is made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parts<'p> {
    /// Where it is isolated.
    pub(crate) seat: Option<&'p Seat>,
    /// The file of its token, to be mounted; otherwise the token is put into the container.
    pub(crate) token: Option<&'p Path>,
}

/// The container of a request.
///
/// # Errors
/// [`BackendError::Invalid`]: the request cannot be met by any container of this engine.
pub(crate) fn body(
    request: &CreateRequest,
    recipe: &ContainerRecipe,
    ours: &Ours,
    options: &ContainerOptions,
    client: &Client,
    parts: &Parts<'_>,
) -> Result<ContainerCreateBody, BackendError> {
    let (entrypoint, cmd) = program(&recipe.program);
    let host_config = HostConfig {
        binds: Some(recipe.volumes.clone()),
        mounts: Some(mounts(recipe, options, client, parts.token)?),
        extra_hosts: Some(recipe.extra_hosts.clone()),
        network_mode: parts.seat.map(|seat| seat.network.clone()),
        // An agent of ours is a proper first process; others may not be.
        init: Some(recipe.program != ContainerProgram::OwnAgent),
        ..bounds(&request.granted, client.kind)
    };
    Ok(ContainerCreateBody {
        image: Some(recipe.image.clone()),
        entrypoint,
        cmd,
        env: Some(environment(request, recipe, options)?),
        labels: Some(ours.labels(request)),
        stop_signal: (recipe.program == ContainerProgram::OwnAgent).then(|| "SIGTERM".to_owned()),
        host_config: Some(host_config),
        networking_config: parts.seat.map(networking),
        ..ContainerCreateBody::default()
    })
}

/// Entry point and arguments; `None` is what the image says.
fn program(program: &ContainerProgram) -> (Option<Vec<String>>, Option<Vec<String>>) {
    match program {
        ContainerProgram::OwnAgent => (
            Some(vec![BINARY.to_owned()]),
            Some(vec!["agent".to_owned()]),
        ),
        ContainerProgram::ImageAgent { .. } => (None, None),
        ContainerProgram::Worker(argv) if argv.is_empty() => (None, None),
        ContainerProgram::Worker(argv) => {
            let (program, arguments) = argv.split_at(argv.len().min(1));
            (Some(program.to_vec()), Some(arguments.to_vec()))
        }
    }
}

fn mounts(
    recipe: &ContainerRecipe,
    options: &ContainerOptions,
    client: &Client,
    token: Option<&Path>,
) -> Result<Vec<Mount>, BackendError> {
    let mut mounts = Vec::new();
    if recipe.program == ContainerProgram::OwnAgent {
        if client.socket.is_none() {
            return Err(BackendError::Invalid(
                "a remote engine cannot mount this daemon's agent; set `agent: image`".into(),
            ));
        }
        let folder = options.agent_socket.parent().unwrap_or(&options.state_dir);
        mounts.push(bind(&options.own_binary.to_string_lossy(), BINARY, true));
        mounts.push(bind(&folder.to_string_lossy(), SOCKET_FOLDER, true));
    }
    if let Some(token) = token {
        // Writable: the agent empties it once it is used.
        mounts.push(bind(&token.to_string_lossy(), TOKEN, false));
    }
    if recipe.engine_socket {
        let Some(socket) = &client.socket else {
            return Err(BackendError::Invalid(
                "a remote engine has no socket to share; remove `containerSocket`".into(),
            ));
        };
        let socket = socket.to_string_lossy();
        mounts.push(bind(&socket, &socket, false));
    }
    Ok(mounts)
}

fn bind(source: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// On the daemon's network, at the address that was admitted.
fn networking(seat: &Seat) -> NetworkingConfig {
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(seat.address.to_string()),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    };
    NetworkingConfig {
        endpoints_config: Some(HashMap::from([(seat.network.clone(), endpoint)])),
    }
}

#[cfg(test)]
pub(crate) mod tests;
