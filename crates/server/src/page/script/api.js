// Talking to the daemon: requests with the token, and streams of lines and events.
const API = "/api/v1";

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `the daemon answered ${status}`);
    this.status = status;
    this.hint = problem.hint;
  }
}

async function ask(path, options = {}) {
  const headers = {};
  const token = sessionStorage.getItem("token");
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) askToken(token ? problem.detail : "");
  throw new Refused(answer.status, problem);
}

async function get(path) {
  const answer = await ask(API + path);
  return answer.json();
}

const post = (path, body) => ask(API + path, { method: "POST", body: body && JSON.stringify(body) });

// Calls `take` for each piece of a streamed text that ends with `end`.
async function pieces(answer, end, take) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split(end);
    text = parts.pop();
    for (const part of parts) take(part);
  }
}

// Server-sent events over `fetch`, because `EventSource` cannot send a token.
async function events(signal, take) {
  const answer = await ask(`${API}/events`, { signal });
  await pieces(answer, "\n\n", (event) => {
    const data = event.split("\n").filter((line) => line.startsWith("data:"));
    if (data.length > 0) take(JSON.parse(data.map((line) => line.slice(5).trim()).join("\n")));
  });
}

function askToken(error) {
  $("token-error").textContent = error ?? "";
  const dialog = $("ask-token");
  if (!dialog.open) dialog.showModal();
}

$("ask-token").addEventListener("close", () => {
  sessionStorage.setItem("token", $("token").value.trim());
  $("token").value = "";
  connect();
  const job = opened;
  if (job) {
    closeJob();
    openJob(job);
  }
});
