// The fleet: tiles, troubles, pools, agents, and what waits.
const MAX_AGENTS_SHOWN = 300;
const MAX_AGENTS_FETCHED = 2000;

function showTiles(plan, counts) {
  const sum = (key) => plan.pools.reduce((total, pool) => total + pool.agents[key], 0);
  const waiting = plan.classes.reduce((total, found) => total + found.waiting, 0);
  const tiles = [
    { n: sum("total"), of: plan.maxAgents, what: "agents in all" },
    { n: sum("busy"), what: "busy" },
    { n: sum("idle"), what: "ready and idle" },
    { n: sum("starting"), what: "starting" },
    { n: waiting, what: "jobs waiting" },
    { n: counts.ended ? `${Math.round((100 * counts.succeeded) / counts.ended)} %` : "–", what: counts.ended ? `succeeded of the last ${counts.ended}` : "no job has ended yet" },
  ];
  keyed($("tiles"), tiles, (tile) => tile.what.replace(/\d+/, ""), (tile) =>
    h("div", { class: "tile" },
      h("div", { class: "n" }, tile.n.toLocaleString("en"), tile.of ? h("small", {}, ` / ${tile.of.toLocaleString("en")}`) : null),
      h("div", { class: "what" }, tile.what)));
}

function showBanners(plan) {
  const banners = [];
  const tell = (text, severe) => banners.push({ text, severe });
  if (plan.ledgerTrouble) tell(`Nothing can be written: ${plan.ledgerTrouble}. Jobs that run go on; new ones are refused.`, true);
  if (plan.stopping) tell("The daemon is stopping and takes no new jobs.");
  for (const backend of plan.backends) {
    if (backend.trouble) tell(`Backend ${backend.id} cannot say what exists: ${backend.trouble}. Nothing is removed until it answers.`);
    if (backend.strangers) tell(`Backend ${backend.id} has ${plural(backend.strangers, "instance")} with our mark that the ledger does not know; removed after a grace period.`);
  }
  for (const source of plan.sources) if (source.trouble) tell(`Source ${source.id} cannot say what waits: ${source.trouble}.`);
  keyed($("banners"), banners, (banner) => banner.text, (banner) => h("div", { class: banner.severe ? "banner severe" : "banner", role: "alert" }, banner.text));
}

function showPools(plan) {
  const scalers = new Set(plan.pools.map((pool) => pool.scaler)).size;
  $("pools-note").textContent = plan.pools.length ? `${plural(plan.pools.length, "pool")} of ${plural(scalers, "scaler")}` : "";
  if (plan.pools.length === 0) {
    $("pools").replaceChildren(h("div", { class: "empty" }, "No pools are configured. Add a scaler to scalers.yaml, then", h("br"), h("code", {}, "headcount reload")));
    return;
  }
  keyed($("pools"), plan.pools, (pool) => pool.name, poolRow);
}

function poolRow(pool) {
  const counts = pool.agents;
  const max = Math.max(pool.maxAgents ?? 0, counts.total, 1);
  const part = (kind, n) => {
    const element = h("span", { class: kind, title: `${n} ${kind}` });
    element.style.width = `${(100 * n) / max}%`;
    return n ? element : null;
  };
  const states = { draining: ["draining", "warn"], failing: ["launches fail", "bad"], removed: ["no longer configured", ""] };
  const [word, tone] = states[pool.state] ?? [];
  const drained = pool.state === "draining";
  const others = pool.scalerAgents - counts.total;
  const failure = pool.launchFailures ? pool.lastFailure : null;
  return h("div", { class: "pool" },
    h("div", { class: "pool-line" },
      h("span", { class: "pool-name" }, pool.name),
      word ? h("span", { class: `tag ${tone}` }, word) : null,
      pool.kind && pool.kind !== "managed" ? h("span", { class: "tag" }, pool.kind) : null,
      pool.idleCount ? h("span", { class: "tag" }, `keeps ${pool.idleCount} ready`) : null,
      pool.state === "removed" ? null : h("button", { class: "plain", on: { click: () => drain(pool.name, drained) } }, drained ? "End drain" : "Drain"),
      h("span", { class: "pool-counts" }, h("b", {}, counts.total.toLocaleString("en")),
        pool.maxAgents === undefined ? "" : h("span", { class: "quiet" }, ` / ${pool.maxAgents.toLocaleString("en")}`, others > 0 ? ` (${others} in other pools)` : ""))),
    h("div", { class: "bar", role: "img", "aria-label": `${counts.busy} busy, ${counts.idle} idle, ${counts.starting} starting` },
      part("busy", counts.busy), part("idle", counts.idle), part("starting", counts.starting), part("draining", counts.draining + counts.destroying), part("quarantined", counts.quarantined || 0)),
    pool.limitedBy ? h("div", { class: "note warn" }, `${plural(pool.wanted, "more agent")} wanted, but ${pool.limitedByText}`) : null,
    failure ? h("div", { class: "note bad" }, `Last failure, `, since(failure.at, ago), `: ${failure.message}`) : null,
    pool.backendTrouble ? h("div", { class: "note bad" }, pool.backendTrouble) : null);
}

async function drain(pool, undo) {
  if (!undo && !confirm(`Drain ${pool}? It takes no new jobs, and its agents leave once they are idle.`)) return;
  await post(`/pools/${encodeURIComponent(pool)}/drain`, { undo }).catch((error) => alert(error.message));
  soon("plan");
}

function showQueue(plan) {
  const rows = plan.classes.flatMap((found) => found.shares.map((share, n) => ({ ...share, n, found })));
  rows.sort((a, b) => b.jobs - a.jobs);
  const waiting = rows.reduce((total, row) => total + row.jobs, 0);
  $("queue-note").textContent = waiting ? `${plural(waiting, "job")} waiting` : "";
  if (rows.length === 0) {
    $("queue").replaceChildren(h("div", { class: "empty" }, "Nothing waits."));
    return;
  }
  keyed($("queue"), rows.slice(0, 12), (row) => JSON.stringify([row.found.runsOn, row.found.exclude, row.found.resources, row.found.priority, row.found.source, row.n]), queueRow);
  if (rows.length > 12) $("queue").append(h("div", { class: "note", "data-key": "more" }, `and ${plural(rows.length - 12, "more kind")} of waiting jobs`));
}

function queueRow(row) {
  const found = row.found;
  const asks = [found.runsOn.join(", ") || "any label"];
  if (found.exclude.length) asks.push(`not ${found.exclude.join(", ")}`);
  const resources = amount(found.resources?.requests ?? found.resources?.limits);
  if (resources) asks.push(resources);
  if (found.priority) asks.push(`priority ${found.priority}`);
  return h("div", { class: "wait" },
    h("div", { class: "wait-line" }, h("b", {}, row.jobs.toLocaleString("en")), h("span", {}, row.reasonText, row.pool ? h("span", { class: "quiet" }, ` (${row.pool})`) : null)),
    h("div", { class: "note" }, asks.join(" · "), row.n === 0 && found.oldestAt ? [" · oldest waits ", since(found.oldestAt, span)] : null));
}

function showAgents(agents, total) {
  const list = $("agents");
  $("agents-note").textContent = total ? plural(total, "agent") : "";
  if (total === 0) {
    list.replaceChildren(h("div", { class: "empty" }, "No agents. They come up when jobs wait, and leave when there is nothing to do."));
    return;
  }
  if (agents === null) {
    list.replaceChildren(h("div", { class: "empty" }, `Too many to draw. The bars above show them all; the CLI lists them:`, h("br"), h("code", {}, "headcount agents")));
    return;
  }
  keyed(list, agents.slice(0, MAX_AGENTS_SHOWN), (agent) => agent.id, agentCard);
  if (agents.length > MAX_AGENTS_SHOWN) $("agents-note").textContent += `, ${MAX_AGENTS_SHOWN} shown`;
}

function agentCard(agent) {
  const lost = agent.connected === false;
  return h("div", { class: `agent is-${agent.state}${lost ? " lost" : ""}`, title: `${agent.id}: ${agent.reasonText}` },
    h("div", { class: "row" }, h("span", { class: "mono" }, agent.id), h("span", { class: "fixed quiet" }, since(agent.createdAt, span))),
    h("div", { class: "row quiet" }, h("span", {}, agent.pool), h("span", { class: "fixed" }, lost ? "connection lost" : agent.state)),
    h("div", { class: "row" },
      agent.jobs.length
        ? h("span", {}, agent.jobs.map((job, n) => [n ? " " : "", h("button", { class: "link", on: { click: () => openJob(job) } }, job)]))
        : h("span", { class: "quiet" }, agent.reasonText)));
}

function showDecisions(plan) {
  const wake = plan.wakeAt;
  $("wake").textContent = wake ? `looks again ${new Date(millis(wake.at)).toLocaleTimeString()} (${wake.reason.replaceAll("_", " ")})` : "sleeps until something happens";
  const rows = plan.decisions.length ? plan.decisions : [{ at: null, lines: ["Nothing has been decided yet."] }];
  keyed($("decisions"), rows, (row) => row.at + row.lines[0], (row) =>
    h("li", {}, h("span", { class: "quiet" }, row.at ? since(row.at, ago) : ""), h("div", { class: "mono" }, row.lines.map((line) => h("div", {}, line)))));
}
