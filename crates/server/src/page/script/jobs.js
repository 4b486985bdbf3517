// The list of jobs.
const PAGE = 50;
const FILTERS = [["all", ""], ["waiting", "queued"], ["running", "assigned,running"], ["failed", "failed,expired"], ["succeeded", "succeeded"], ["cancelled", "cancelled"]];
let filter = "";
let older = 0;

function showFilters() {
  $("filters").replaceChildren(...FILTERS.map(([word, states]) =>
    h("button", { class: "plain", "aria-pressed": String(states === filter), on: { click: () => { filter = states; older = 0; showFilters(); soon("jobs"); } } }, word)));
}

async function fetchJobs() {
  const limit = Math.min(PAGE * (older + 1), 1000);
  return get(`/jobs?limit=${limit}${filter ? `&state=${filter}` : ""}`);
}

function showJobs(jobs) {
  const empty = jobs.length === 0;
  $("jobs-table").hidden = empty;
  $("older").hidden = jobs.length < PAGE * (older + 1) || jobs.length >= 1000;
  $("jobs-empty").replaceChildren(...(!empty ? [] : [h("div", { class: "empty" },
    filter ? "No such jobs." : ["No jobs yet. Submit the first one:", h("br"), h("code", {}, "headcount submit --follow -- echo hello")])]));
  keyed($("jobs"), jobs, (job) => job.id, jobRow);
  markOpen();
}

const what = (job) => job.name ?? (job.command ? job.command.map(shellWord).join(" ") : job.script.trim().split("\n").join("; "));
const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function jobRow(job) {
  const open = () => openJob(job.id);
  const started = job.startedAt;
  const waitedUntil = started ?? job.endedAt;
  const waited = waitedUntil ? span(millis(waitedUntil) - millis(job.acceptedAt)) : since(job.acceptedAt, span);
  const ran = !started ? "" : job.endedAt ? span(millis(job.endedAt) - millis(started)) : job.state === "queued" ? "" : since(started, span);
  return h("tr", { on: { click: open } },
    h("td", {}, h("button", { class: "link", on: { click: (event) => { event.stopPropagation(); open(); } } }, job.id)),
    h("td", { class: job.name ? "what" : "what mono", title: what(job) }, what(job)),
    h("td", {}, pill(job)),
    h("td", { class: "why", title: job.reasonText }, why(job)),
    h("td", {}, job.runsOn.join(", ")),
    h("td", { class: "num" }, waited),
    h("td", { class: "num" }, ran),
    h("td", { class: "num quiet" }, since(job.acceptedAt, ago)));
}

const pill = (job) => h("span", { class: `pill ${job.state}` }, job.state);

// What is worth a word beside the state.
function why(job) {
  if (job.state === "succeeded" || job.state === "running") return job.attempts > 1 ? `attempt ${job.attempts}` : "";
  if (job.reason === "command_failed" && job.exitCode !== undefined) return `exit code ${job.exitCode}`;
  if (job.reason === "command_failed" && job.signal !== undefined) return `signal ${job.signal}`;
  return job.message ?? job.reasonText ?? "";
}

$("older").addEventListener("click", () => { older += 1; soon("jobs"); });
