// The small page: how the streams are doing, once a second, and a box to ask in.

const ROWS_SHOWN = 1000;
const $ = (id) => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(path, { ...options, headers });
  $("token-form").hidden = response.status !== 401;
  return response;
}

// Integers that a JavaScript number cannot hold keep their digits.
const exact = (_, value, context) => (Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value);

function count(n) {
  if (n < 1e5) return n.toLocaleString("en");
  const [unit, word] = n < 1e6 ? [1e3, "k"] : n < 1e9 ? [1e6, "M"] : [1e9, "bn"];
  return `${(n / unit).toFixed(unit === 1e3 ? 0 : 1)} ${word}`;
}

function ago(now, then) {
  if (!then) return "never";
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(then)) / 1000);
  return seconds < 60 ? `${seconds.toFixed(1)} s ago` : seconds < 3600 ? `${Math.round(seconds / 60)} min ago` : new Date(then).toLocaleString();
}

let before = { at: 0, received: new Map() };

function showStreams({ now, streams }) {
  const at = Date.parse(now);
  const seconds = (at - before.at) / 1000;
  const rows = streams.map((stream) => {
    const was = before.received.get(stream.name);
    const rate = was === undefined || seconds <= 0 ? 0 : Math.max(0, stream.n_received - was) / seconds;
    const row = element("tr");
    const state = element("td");
    const icon = { running: "●", catching_up: "▲", paused: "■", degraded: "◆", failed: "✕" }[stream.state];
    state.append(element("span", `${icon} ${stream.state.replace("_", " ")}`, stream.state));
    if (stream.message) state.append(element("div", [stream.message, stream.hint].filter(Boolean).join(". "), "message"));
    const lag = Object.values(stream.lag).reduce((sum, n) => sum + n, 0);
    row.append(element("td", stream.name), state, element("td", count(Math.round(rate)), "n"));
    row.append(element("td", count(stream.n_received), "n"), element("td", count(lag), "n"), element("td", ago(now, stream.last_commit_at), "n"));
    return row;
  });
  $("streams").replaceChildren(...rows);
  $("no-streams").hidden = rows.length > 0;
  before = { at, received: new Map(streams.map((stream) => [stream.name, stream.n_received])) };
  greet(streams);
}

let greeted = false;

// The first look shows rows, unless somebody is typing already.
function greet([stream]) {
  if (greeted || !stream) return;
  greeted = true;
  if ($("sql").value !== $("sql").defaultValue) return;
  $("sql").value = `SELECT * FROM ${stream.name} ORDER BY _time DESC LIMIT 20`;
  runQuery();
}

async function watch() {
  let words = "the server does not answer";
  try {
    const response = await ask("/api/v1/streams");
    if (response.ok) showStreams(await response.json());
    words = response.ok ? "live" : `the server answers ${response.status}`;
  } catch {
    // Said in words below; the next round tries again.
  }
  if ($("live-words").textContent !== words) $("live-words").textContent = words;
  $("live").className = words === "live" ? "live" : "";
  setTimeout(watch, 1000);
}

function showError({ message, hint, position }) {
  const line = position?.line && $("sql").value.split("\n")[position.line - 1];
  $("error").replaceChildren(element("div", message));
  if (line !== undefined && line) $("error").append(element("pre", `${line}\n${" ".repeat(position.column - 1)}^`));
  if (hint) $("error").append(element("div", hint, "quiet"));
  $("error").hidden = false;
}

function cell(value, isNumber) {
  if (value === null) return element("td", "NULL", "null");
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const made = element("td", text, isNumber ? "n" : "");
  made.title = text;
  return made;
}

function showRows(rows) {
  const names = Object.keys(rows[0] ?? {});
  // Decimals and very large integers come as text.
  const isNumber = names.map((name) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(rows.find((row) => row[name] !== null)?.[name]));
  const head = element("tr");
  head.append(...names.map((name, i) => element("th", name, isNumber[i] ? "n" : "")));
  $("result").querySelector("thead").replaceChildren(head);
  const body = rows.map((row) => { const made = element("tr"); made.append(...names.map((name, i) => cell(row[name], isNumber[i]))); return made; });
  $("result").querySelector("tbody").replaceChildren(...body);
  $("result").hidden = rows.length === 0;
}

// Reads at most ROWS_SHOWN rows of an NDJSON body.
async function readRows(body) {
  const rows = [];
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const row = JSON.parse(line, exact);
      if (row.error?.request_id) throw row.error;
      if (rows.length === ROWS_SHOWN) return { rows, more: true };
      rows.push(row);
    }
    if (done) return { rows, more: false };
  }
}

const postQuery = (query, signal) =>
  ask("/api/v1/query", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(query), signal });

// Why an answer broke off: a browser throws away the last words of a body that fails.
async function reason(id) {
  const response = await postQuery({ sql: "SELECT error FROM system.queries WHERE id = $1", params: [id] });
  const [row] = response.ok ? (await response.json()).data : [];
  return { message: row?.error ?? "the answer broke off" };
}

let running;

async function runQuery() {
  running?.abort();
  const mine = (running = new AbortController());
  const begun = performance.now();
  $("error").hidden = true;
  $("about").textContent = "running";
  try {
    const response = await postQuery({ sql: $("sql").value, format: "ndjson" }, mine.signal);
    if (!response.ok) throw await response.json();
    const answer = readRows(response.body).catch(async (error) => { throw mine.signal.aborted ? error : await reason(response.headers.get("X-Query-Id")); });
    const { rows, more } = await answer;
    // Leaving the rest unread cancels the statement.
    mine.abort();
    const snapshot = response.headers.get("X-Snapshot");
    const behind = response.headers.get("X-Freshness-Ms");
    const about = [more ? `first ${count(rows.length)} rows` : `${count(rows.length)} row${rows.length === 1 ? "" : "s"}`, `${Math.round(performance.now() - begun)} ms`];
    if (snapshot) about.push(`snapshot ${snapshot}`);
    if (behind) about.push(`data ${(behind / 1000).toFixed(1)} s behind`);
    $("about").textContent = about.join(" · ");
    showRows(rows);
  } catch (error) {
    if (mine !== running) return;
    $("about").textContent = "";
    showError(error instanceof TypeError ? { message: "the server does not answer" } : error);
  }
}

$("query-form").addEventListener("submit", (event) => { event.preventDefault(); runQuery(); });
$("sql").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); runQuery(); }
});
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("token-form").hidden = true;
});

watch();
