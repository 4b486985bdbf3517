#!/usr/bin/env python3
"""Machines that are containers, through the command line of Docker or Podman.

`config` is a JSON file, or left out: {"engine": "podman", "host": "unix:///run/podman.sock"}.
`options` of a label set: {"image": "...", "volumes": ["/a:/b"], "network": "..."}; the image
needs a shell, and the agent program where `agentBinary` says, for example by a volume.
One call may ask for several machines (`createBatch`); some are made at a time.
"""

import calendar
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

CONTRACT = "headcount/v1"
CODES = {"capacity": 10, "quota": 11, "throttled": 12, "auth": 13, "invalid": 14, "not-found": 15, "transient": 16}
# The word of the engine, and ours.
STATUS = {"created": "starting", "restarting": "starting", "running": "running", "paused": "running",
          "removing": "stopping", "stopping": "stopping", "exited": "ended", "stopped": "ended", "dead": "ended"}

AT_ONCE = 8  # machines of one call that are made at a time


class Refused(Exception):
    """What cannot be done, in the contract's words."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def say(document):
    print(json.dumps({"contract": CONTRACT, **document}))


class Engine:
    def __init__(self, config):
        settings = {}
        if config and os.path.isfile(config):
            with open(config, encoding="utf-8") as file:
                settings = json.load(file)
        self.command = [settings.get("engine", "docker")]
        if "host" in settings:
            flag = "--url" if os.path.basename(self.command[0]) == "podman" else "--host"
            self.command += [flag, settings["host"]]

    def run(self, *words, data=None):
        """Nothing of the secret start-up script is ever among the words."""
        done = subprocess.run([*self.command, *words], input=data, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode(errors="replace").strip()
        raise Refused("transient", said or f"{words[0]} ended with code {done.returncode}")

    def inspect(self, names):
        """What there is of these; whoever vanished meanwhile is left out."""
        found = []
        for name in names:
            try:
                found += json.loads(self.run("container", "inspect", name))
            except Refused as refused:
                if "no such" not in str(refused).lower() and "no container" not in str(refused).lower():
                    raise
        return found


def machine(container, leases):
    labels = container["Config"]["Labels"]
    state = container["State"]
    status = STATUS.get(state["Status"], "running")
    marks = json.loads(labels["headcount.machine"])
    more = {"exitCode": state.get("ExitCode", 0)} if status == "ended" else {}
    if "leaseSeconds" in marks and marks["owner"] in leases:
        more["leaseUntil"] = leases[marks["owner"]]
    return {**marks, "id": container["Id"], "status": status, **more}


# Labels of a container never change, so each owner's moment is the name of an empty volume.
LEASE = re.compile(r"headcount-lease-([0-9a-z]+)-(\d+)")


def lease_volumes(engine):
    """Every one there is, as owner, number and name; the highest number of an owner holds."""
    names = engine.run("volume", "ls", "--quiet", "--filter", "label=headcount.lease").decode().split()
    found = [LEASE.fullmatch(name) for name in names]
    return sorted((it[1], int(it[2]), it[0]) for it in found if it)


def all_leases(engine):
    return {owner: moment(number) for owner, number, _ in lease_volumes(engine)}


def moment(number):
    """A number counts the renewals, and then says the moment in seconds after 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(number % LEASES))


# More seconds than there are until the year 2286.
LEASES = 10**10


def renew(engine, request):
    until = calendar.timegm(time.strptime(request["leaseUntil"], "%Y-%m-%dT%H:%M:%SZ"))
    known = [it for it in lease_volumes(engine) if it[0] == request["owner"]]
    # The one that was told last holds, also when it ends before those before it.
    count = max((number // LEASES for _, number, _ in known), default=0) + 1
    name = f"headcount-lease-{request['owner']}-{count * LEASES + until}"
    engine.run("volume", "create", "--label", "headcount.lease=1", name)
    for _, _, old in known:
        engine.run("volume", "rm", "--force", old)
    say({})


def find(engine, owner, name):
    found = engine.inspect([name])
    # A name is found by its beginning too, and somebody else's may be equal.
    mine = [it for it in found if (it["Config"].get("Labels") or {}).get("headcount.owner") == owner]
    return mine[0] if mine else None


def soon(engine, owner, name):
    """A name is taken for a moment before it is found: while another call makes the container."""
    deadline = time.monotonic() + 5
    while True:
        found = find(engine, owner, name)
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def create(engine, request):
    options = request.get("options", {})
    if "image" not in options:
        raise Refused("invalid", "`options` needs an `image`")
    if "machines" in request:
        create_all(engine, options, request["machines"])
    else:
        say({"machine": make(engine, options, request["machine"], request["startUp"])})


def create_all(engine, options, wanted):
    """Each is told by itself: made, not made, or neither where that cannot be known."""
    made, errors = [], []

    def attempt(one):
        try:
            made.append(make(engine, options, one["machine"], one["startUp"]))
        except Refused as refused:
            name, owner = one["machine"]["name"], one["machine"]["owner"]
            if is_absent(engine, owner, name):
                errors.append({"name": name, "kind": refused.kind, "message": str(refused)})

    with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
        list(threads.map(attempt, wanted))
    say({"machines": made, "errors": errors})


def is_absent(engine, owner, name):
    try:
        return find(engine, owner, name) is None
    except Refused:
        return False


def make(engine, options, asked, start_up):
    """The machine, which may be there already, or half-made."""
    name, owner = asked["name"], asked["owner"]
    if find(engine, owner, name) is None:
        words = ["create", "--name", name, "--label", f"headcount.owner={owner}",
                 "--label", f"headcount.pool={asked['pool']}", "--label", "headcount.machine=" + json.dumps(asked),
                 "--env", "HEADCOUNT_MACHINE_DIR=/headcount-machine"]
        for volume in options.get("volumes", []):
            words += ["--volume", volume]
        if "network" in options:
            words += ["--network", options["network"]]
        try:
            # Until the script is there the container waits: a create that is killed may be repeated.
            engine.run(*words, options["image"], "sh", "/headcount-start")
        except Refused as refused:
            if "in use" not in str(refused):
                raise
    found = soon(engine, owner, name)
    if found is None:
        raise Refused("transient", "somebody else has the name, or removed it")
    if found["State"]["Status"] in ("created", "configured", "initialized"):
        engine.run("cp", "-", f"{name}:/", data=packed(start_up["script"]))
        engine.run("start", name)
        found = find(engine, owner, name)
    return machine(found, all_leases(engine))


def packed(script):
    """The start-up script as an archive: it goes in through standard input."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("headcount-start")
        entry.mode, entry.size = 0o700, len(script.encode())
        tar.addfile(entry, io.BytesIO(script.encode()))
    return archive.getvalue()


def show_all(engine, request):
    label = "headcount.machine" if request.get("others") else f"headcount.owner={request['owner']}"
    ids = engine.run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").decode().split()
    leases = all_leases(engine)
    machines = [machine(container, leases) for container in engine.inspect(ids)]
    if request.get("others"):
        machines = [it for it in machines if it["owner"] != request["owner"]]
    pool = request.get("pool")
    say({"complete": True, "machines": [it for it in machines if pool in (None, it["pool"])]})


def status(engine, request):
    found = find(engine, request["owner"], request["machine"]["name"])
    if found is None:
        raise Refused("not-found", f"no container {request['machine']['name']}")
    say({"machine": machine(found, all_leases(engine))})


def destroy(engine, request):
    found = find(engine, request["owner"], request["machine"]["name"])
    if found is not None:
        if found["State"]["Status"] == "running":
            engine.run("stop", "--time", str(request["graceSeconds"]), found["Id"])
        try:
            engine.run("rm", "--force", "--volumes", found["Id"])
        except Refused as refused:
            if "no such" not in str(refused).lower() and "in progress" not in str(refused).lower():
                raise
    say({})


VERBS = {"create": create, "list": show_all, "status": status, "destroy": destroy, "renew": renew}


def main():
    try:
        request = json.load(sys.stdin)
        verb = VERBS.get(sys.argv[1] if len(sys.argv) == 2 else "")
        if request.get("contract") != CONTRACT or verb is None:
            raise Refused("invalid", f"this speaks {CONTRACT}: {', '.join(VERBS)}")
        verb(Engine(request.get("config")), request)
    except Refused as refused:
        say({"error": {"kind": refused.kind, "message": str(refused)}})
        sys.exit(CODES[refused.kind])


main()
