// What is fetched when: at the start, and when an event says that something changed, at
// most twice a second. While the page is not seen nothing is fetched and no stream is open.
const THROTTLE = 500;
const EVERYTHING = ["plan", "agents", "jobs", "job"];
const dirty = new Set();
let timer = null;
let stream = null;
let refreshing = false;
let ticking = null;
let counts = { ended: 0, succeeded: 0 };

const CHANGES = {
  hello: EVERYTHING, missed: EVERYTHING, config: ["plan", "agents"], pool: ["plan"], jobs: ["plan", "jobs"],
  job: ["plan", "agents", "jobs", "job"], agent: ["plan", "agents", "job"], agentGone: ["plan", "agents"],
};

function soon(...parts) {
  for (const part of parts) dirty.add(part);
  if (timer === null && !document.hidden) timer = setTimeout(refresh, refreshing ? THROTTLE : 30);
}

async function refresh() {
  timer = null;
  if (document.hidden || refreshing) return;
  refreshing = true;
  const parts = new Set(dirty);
  dirty.clear();
  const began = Date.now();
  try {
    if (parts.has("jobs")) await refreshJobs();
    if (parts.has("plan") || parts.has("agents")) await refreshFleet(parts.has("agents"));
    if (parts.has("job") && opened) await refreshJob();
  } catch (error) {
    if (!(error instanceof Refused)) live("off", "the daemon does not answer");
  }
  // The next look is no sooner than the throttle after this one.
  setTimeout(() => { refreshing = false; if (dirty.size) soon(); }, Math.max(0, THROTTLE - (Date.now() - began)));
}

async function refreshJobs() {
  const jobs = await fetchJobs();
  if (!filter) {
    const over = jobs.filter((job) => job.endedAt);
    counts = { ended: over.length, succeeded: over.filter((job) => job.state === "succeeded").length };
  }
  showJobs(jobs);
}

async function refreshFleet(withAgents) {
  const plan = await get("/plan");
  skew = millis(plan.at) - Date.now();
  showTiles(plan, counts);
  showBanners(plan);
  showPools(plan);
  showQueue(plan);
  showDecisions(plan);
  const total = plan.pools.reduce((sum, pool) => sum + pool.agents.total, 0);
  if (!withAgents && total > 0) return;
  showAgents(total > MAX_AGENTS_FETCHED ? null : total === 0 ? [] : await get("/agents"), total);
}

async function connect() {
  stream?.abort();
  const mine = new AbortController();
  stream = mine;
  while (!mine.signal.aborted) {
    try {
      await events(mine.signal, (event) => {
        live("on", "live");
        if (event.type === "hello") $("version").textContent = `v${event.version}`;
        soon(...(CHANGES[event.type] ?? EVERYTHING));
      });
    } catch (error) {
      if (mine.signal.aborted || error.status === 401) return;
    }
    if (mine.signal.aborted) return;
    live("off", "the daemon does not answer; trying again");
    await new Promise((done) => setTimeout(done, 2000));
  }
}

function live(state, words) {
  $("live").className = `live ${state}`;
  $("live-text").textContent = words;
}

function seen() {
  if (document.hidden) {
    stream?.abort();
    stream = null;
    clearInterval(ticking);
    clearTimeout(timer);
    timer = ticking = null;
    live("", "paused");
    return;
  }
  live("", "connecting");
  ticking = setInterval(tick, 1000);
  connect();
}

function theme(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  $("theme").textContent = choice;
  localStorage.setItem("theme", choice);
}

$("theme").addEventListener("click", () => {
  const order = ["auto", "light", "dark"];
  theme(order[(order.indexOf($("theme").textContent) + 1) % order.length]);
});
document.addEventListener("visibilitychange", seen);
window.addEventListener("hashchange", openNamed);

function openNamed() {
  const id = location.hash.slice(1);
  if (/^job-\d+$/.test(id)) openJob(id);
}

theme(localStorage.getItem("theme") ?? "auto");
showFilters();
seen();
openNamed();
