// One job: what it is, why it stands so, and its output while it grows.
const MAX_LOG_PIECES = 5000;
let opened = null;
let logAbort = null;

function openJob(id) {
  if (opened === id) return;
  closeLog();
  opened = id;
  const log = h("pre", { class: "log", tabindex: "0", "aria-label": "Output" }, h("span", { class: "none" }, "No output yet."));
  const head = h("div", { class: "drawer-head" }, h("h2", {}, id));
  const facts = h("div", {});
  $("drawer").replaceChildren(head, h("div", { class: "drawer-body" }, facts, h("h3", {}, "Output"), log));
  $("drawer").hidden = false;
  $("drawer").parts = { head, facts, log };
  if (location.hash !== `#${id}`) history.replaceState(null, "", `#${id}`);
  markOpen();
  refreshJob();
  followLog(id, log);
}

function closeJob() {
  closeLog();
  opened = null;
  $("drawer").hidden = true;
  history.replaceState(null, "", location.pathname);
  markOpen();
}

function closeLog() {
  logAbort?.abort();
  logAbort = null;
}

function markOpen() {
  for (const row of $("jobs").children) row.classList.toggle("open", row.dataset.key === opened);
}

async function refreshJob() {
  const id = opened;
  if (!id) return;
  try {
    const explanation = await get(`/explain/${id}`);
    if (opened === id) showJob(explanation);
  } catch (error) {
    if (opened === id) $("drawer").parts.facts.replaceChildren(h("p", { class: "bad" }, error.message, " ", error.hint ?? ""));
  }
}

function showJob(explanation) {
  const { head, facts } = $("drawer").parts;
  const job = explanation.job;
  const over = ["succeeded", "failed", "cancelled", "expired"].includes(job.state);
  head.replaceChildren(
    h("h2", {}, job.name ?? job.id), job.name ? h("span", { class: "quiet mono" }, job.id) : "", pill(job), h("span", { class: "grow" }),
    over ? "" : h("button", { class: "plain", on: { click: () => cancelJob(job.id) } }, "Cancel job"),
    h("button", { class: "plain", "aria-label": "Close", on: { click: closeJob } }, "Close"));
  const shown = { ...explanation, at: null };
  if (facts.content === JSON.stringify(shown)) return;
  facts.content = JSON.stringify(shown);
  const waits = job.state === "queued";
  facts.replaceChildren(...[
    over || waits ? reasonOf(explanation, over) : null, command(job), factList(job, explanation), waits ? verdicts(explanation) : null,
  ].filter(Boolean));
}

function reasonOf(explanation, over) {
  const { job, position } = explanation;
  if (!explanation.reasonText || job.state === "succeeded") return null;
  const place = position ? ` ${position.ahead === 0 ? "It is next of its kind." : `${plural(position.ahead, "job")} of its kind ${position.ahead === 1 ? "is" : "are"} before it.`}` : "";
  const advice = explanation.advice === "Nothing." ? "" : explanation.advice;
  return h("div", { class: "reason" },
    h("div", {}, h("b", {}, over ? `It ended: ${explanation.reasonText}.` : `${explanation.reasonText[0].toUpperCase()}${explanation.reasonText.slice(1)}.`), place),
    advice ? h("div", { class: "quiet" }, prose(advice)) : null,
    explanation.impossible ? h("div", { class: "bad" }, `It would reserve ${explanation.impossible.asked}; the cap allows ${explanation.impossible.allowed}.`) : null,
    unmatched(explanation).map((pattern) => h("div", {}, `No pool has a label that matches “${pattern}”.`)),
    (explanation.nearest ?? []).map((near) => h("div", {}, `No pool has “${near.asked}”; the nearest is “${near.nearest}”.`)));
}

// A pattern that is like some label is told with that label alone.
function unmatched(explanation) {
  const near = (explanation.nearest ?? []).map((near) => near.asked);
  return (explanation.unmatched ?? []).filter((pattern) => !near.includes(pattern));
}

const command = (job) => h("div", { class: "command mono" }, job.command ? job.command.map(shellWord).join(" ") : job.script);

function factList(job, explanation) {
  const rows = [];
  const add = (name, value) => { if (value !== undefined && value !== null && value !== "") rows.push(h("dt", {}, name), h("dd", {}, value)); };
  const moment = (at) => at && new Date(millis(at)).toLocaleString();
  add("Accepted", moment(job.acceptedAt));
  add("Started", moment(job.startedAt));
  add("Ended", moment(job.endedAt));
  if (job.startedAt && job.endedAt) add("Ran", span(millis(job.endedAt) - millis(job.startedAt)));
  add("Exit code", job.exitCode);
  add("Signal", job.signal);
  add("Message", job.message);
  add("Agent", job.latest?.agent);
  if (job.attempts > 1 || job.retries) add("Attempts", `${job.attempts} (${plural(job.retries, "retry", "retries")} allowed)`);
  add("Runs on", job.runsOn.join(", ") || "any");
  add("Not on", job.exclude.join(", "));
  add("Requests", amount(job.resources?.requests));
  add("Limits", amount(job.resources?.limits));
  add("Timeout", job.timeoutMs && span(job.timeoutMs));
  add("Priority", job.priority || null);
  if (explanation.position) add("Expires", moment(job.expiresAt));
  add("Key", job.key);
  add("Environment", (job.envNames ?? []).join(", "));
  return h("dl", { class: "facts" }, rows);
}

function verdicts(explanation) {
  if (explanation.pools.length === 0) return null;
  return h("div", {}, h("h3", {}, "Pools"), h("table", { class: "verdicts" }, h("tbody", {}, explanation.pools.map((pool) =>
    h("tr", {}, h("td", {}, h("b", {}, pool.pool)), h("td", {}, verdictOf(pool)))))));
}

function verdictOf(pool) {
  if (pool.verdict === "candidate") {
    return pool.blockedByText ? [h("span", { class: "tag warn" }, "held up"), ` ${pool.blockedByText} (for `, since(pool.since, span), ")"] : h("span", { class: "tag" }, "can serve it");
  }
  const words = [];
  if (pool.missing) words.push(`lacks ${pool.missing.join(", ")}`);
  if (pool.excluded) words.push(`has ${pool.excluded.join(", ")}, which the job excludes`);
  if (pool.mandatory) words.push(`insists on ${pool.mandatory.join(", ")}`);
  if (pool.worker) words.push("its agents find their work themselves");
  return h("span", { class: "quiet" }, words.join("; "));
}

async function cancelJob(id) {
  if (!confirm(`Cancel ${id}?`)) return;
  await post(`/jobs/${id}/cancel`).catch((error) => alert(error.message));
  refreshJob();
  soon("jobs");
}

// Follows the output, and goes on where it was when the connection broke.
async function followLog(id, log) {
  const abort = new AbortController();
  logAbort = abort;
  const place = { attempt: null, after: 0, ended: false, pieces: 0 };
  while (!abort.signal.aborted && !place.ended) {
    // Without an attempt the stream goes on with later attempts by itself.
    const from = place.attempt === null ? "" : `&attempt=${place.attempt}&after=${place.after}`;
    try {
      const answer = await ask(`${API}/jobs/${id}/logs?follow=true&format=ndjson${from}`, { signal: abort.signal });
      await pieces(answer, "\n", (line) => showLine(log, JSON.parse(line), place));
    } catch (error) {
      if (abort.signal.aborted || error instanceof Refused) return;
    }
    if (!place.ended) await new Promise((done) => setTimeout(done, 2000));
  }
}

function showLine(log, line, place) {
  if (line.type === "end") {
    place.ended = true;
    if (place.pieces === 0) log.replaceChildren(h("span", { class: "none" }, "It printed nothing."));
    return;
  }
  const low = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (place.pieces === 0) log.replaceChildren();
  if (line.type === "truncated") append(log, "note", "\nOutput beyond the job's limit was not stored.\n");
  if (line.type === "output") {
    if (place.attempt !== null && place.attempt !== line.attempt) append(log, "note", `\nAttempt ${line.attempt}\n`);
    place.attempt = line.attempt;
    place.after = line.number;
    append(log, line.stream, line.stream === "note" ? `${line.text}\n` : text(line));
  }
  place.pieces += 1;
  while (log.childNodes.length > MAX_LOG_PIECES) log.firstChild.remove();
  if (low) log.scrollTop = log.scrollHeight;
}

const append = (log, kind, content) => log.append(kind === "out" ? content : h("span", { class: kind }, content));
// Escape sequences for terminals mean nothing here.
const text = (line) => (line.text ?? new TextDecoder().decode(Uint8Array.from(atob(line.base64), (c) => c.charCodeAt(0)))).replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");

document.addEventListener("keydown", (event) => { if (event.key === "Escape" && opened) closeJob(); });
