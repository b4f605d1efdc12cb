"use strict";

// The page shows /api/v1/status as it is, every two seconds. Text from outside only ever becomes text.

const pollEvery = 2000; // ms
const patience = 5000; // ms, with a relay that does not answer
const clipPatience = 60000; // ms, until a clip is on disk
const answerShown = 10000; // ms

let ahead = 0; // ms, of the relay's clock before this machine's
let newest = ""; // when the relay last answered
let pictured = 0; // number of the newest pictures
const answers = new Map(); // what the API said, by the path of the output

const byId = (id) => document.getElementById(id);
const $ = (tag, attrs = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) if (v !== undefined && v !== false) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== false && c !== ""));
  return e;
};
const list = (parts, separator = ", ") => parts.filter(Boolean).join(separator);

const bytes = (n) => {
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (n < 1000) return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
};
const rate = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} Mb/s` : `${Math.round(n / 1e3)} kb/s`);
const millis = (s) => `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms`;
const many = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
const span = (ms) => {
  let s = Math.max(0, Math.round(ms / 1000));
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  s %= 60;
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
};
const age = (from, now) => span(now - new Date(from));
const clock = (at, now) => {
  const t = new Date(at);
  return (t.toDateString() === now.toDateString() ? "" : `${t.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} `)
    + t.toLocaleTimeString("en-GB");
};
const untilTry = (at) => {
  const left = new Date(at) - Date.now() - ahead;
  return left > 0 ? `next try in ${span(Math.ceil(left / 1000) * 1000)}` : "trying";
};

const picture = ({ media: { video: v }, rates }) =>
  (v.codec || rates.video_bitrate > 0) && list([v.codec || "video", v.profile, v.width && `${v.width}×${v.height}`, rate(rates.video_bitrate)], " ");
const sound = ({ media: { audio: a }, rates }) =>
  (a.codec || rates.audio_bitrate > 0) && list([a.codec || "audio", a.rate && `${a.rate / 1000} kHz`, a.channels && `${a.channels} ch`, rate(rates.audio_bitrate)], " ");
const frames = ({ rates }) => rates.fps && `${rates.fps.toFixed(1)} frames a second`;

const keyframes = ({ rates: { keyframe_interval: usual, longest_keyframe_interval: longest = 0 } }) =>
  usual && `every ${usual.toFixed(1)} s${longest > usual + 0.5 ? `, at times ${longest.toFixed(1)} s` : ""}`
    + (Math.max(usual, longest) > 4.5 ? ": set Keyframe Interval to 2 s in OBS" : "");

function publisher(p, now) {
  const facts = [["Video", picture(p)], ["Frame rate", frames(p)], ["Keyframes", keyframes(p)], ["Audio", sound(p)],
    ["From", `${p.remote ? `${p.remote} with key “${p.key}”` : p.key}, for ${age(p.since, now)}`], ["Encoder", p.media.encoder || p.agent]];
  return $("dl", {}, ...facts.filter(([, t]) => t).map(([k, t]) => $("div", {}, $("dt", {}, k), $("dd", {}, t))));
}

// breaks are the findings that concern what an output gets. One fed by a rendition does not get the stream as it comes.
const breaks = (o) => (o.from ? [] : (o.findings || []).filter((f) => f.breaks));

// mark is how an output is drawn, beside the words that say it. Nothing is good before it is proven.
function mark(o) {
  if (o.class === "slow") return "warn";
  if (o.class || o.state === "retrying") return "bad";
  if (o.state === "running") return (!o.delivery || o.delivery.grade === "acked") && !breaks(o).length ? "good" : "warn";
  return o.state === "starting" || o.state === "stopping" ? "warn" : "idle";
}

const grades = {
  none: "not connected",
  connecting: "connecting to the platform",
  publishing: "connected, asking to publish",
  sent: "sent, and not acknowledged in time",
  acked: "acknowledged by the platform",
};

function delivery(d, now) {
  const media = d.grade === "sent" || d.grade === "acked";
  return [
    $("strong", {}, grades[d.grade] || d.grade),
    ", ", list([media && `${rate(d.bitrate)}, RTT ${millis(d.rtt)}, queue ${d.queue_age.toFixed(1)} s`, `since ${clock(d.since, now)}`]),
    $("small", {}, list([d.acked_bytes && `${bytes(d.acked_bytes)} acknowledged`, d.queued_bytes > 0 && `${bytes(d.queued_bytes)} queued`,
      d.retransmits && many(d.retransmits, "retransmit"),
      d.proved && d.grade !== "acked" && `last acknowledged ${clock(d.proved, now)}`])),
  ];
}

function trouble(o) {
  if (!o.reason && !o.next_try) return "";
  const path = [o.stream, o.kind, o.name].map(encodeURIComponent).join("/");
  return $("p", { class: `trouble ${mark(o)}` },
    o.class && $("strong", {}, `${o.class}: `), o.reason,
    o.next_try && $("span", { class: "next" },
      $("span", { "data-try": o.next_try }, untilTry(o.next_try)),
      $("button", { type: "button", id: `retry/${path}`, "data-retry": path, "aria-label": `retry now: ${o.name}` }, "retry now")),
    answers.has(path) && $("span", { class: "next", role: "status" }, answers.get(path)));
}

function findings(o) {
  const group = (name, title, all) => all.length > 0 && $("div", { class: name }, $("strong", {}, title),
    $("ul", {}, ...all.map((f) => $("li", {}, f.text, " ", $("code", {}, f.code), $("div", {}, `Fix: ${f.fix}`)))));
  const advice = o.findings.filter((f) => !f.breaks), mended = o.from ? o.findings.filter((f) => f.breaks) : [];
  return $("td", { colspan: 3 },
    group("breaks", `Will break on ${o.name}, or be refused`, breaks(o)),
    group("mended", `Would break on ${o.name}, which gets ${o.from} instead`, mended),
    group("advice", `Advice for ${o.name}`, advice));
}

// rows are an output's row and what belongs below it. made is the stream a rendition makes.
function rows(o, now, made, derived) {
  const id = `${o.stream}/${o.kind}/${o.name}`, p = made?.publisher;
  const lost = list([o.drops.packets && `${many(o.drops.packets, "packet")} dropped (${many(o.drops.gops, "GOP")}): too slow`,
    o.unreadable_packets && `${many(o.unreadable_packets, "packet")} left out: this ffmpeg does not know the codec`], "; ");
  return [
    $("tr", { id, class: derived ? "derived" : undefined },
      $("th", { scope: "row" }, o.name, $("small", {}, list([o.kind !== o.name && o.kind, o.target, o.from && `gets ${o.from}`]))),
      $("td", {}, $("span", { class: `mark ${mark(o)}` }, o.state), $("small", {}, `for ${age(o.since, now)}`)),
      $("td", {},
        ...(o.delivery ? delivery(o.delivery, now) : [p ? list([picture(p), frames(p), sound(p)]) : o.out_time && `${span(o.out_time * 1000)} written`]),
        lost && $("p", { class: "trouble warn" }, lost),
        trouble(o),
        o.lines?.length > 0 && $("details", {}, $("summary", {}, "last words"), $("pre", {}, o.lines.join("\n"))))),
    o.findings?.length > 0 && $("tr", { id: `${id}/findings`, class: "findings" }, findings(o)),
    ...(made?.outputs || []).flatMap((of) => rows(of, now, undefined, true)),
  ].filter(Boolean);
}

// recording is the button that starts or stops the recording of the show that is on.
function recording(s) {
  if (!s.session || s.name.includes("@")) return "";
  const o = (s.outputs || []).find((one) => one.kind === "record"), path = `${encodeURIComponent(s.name)}/record`;
  const on = o && (o.state !== "off" || o.class);
  return $("span", { class: "record" },
    $("button", { type: "button", id: path, "data-do": `${path}?on=${!on}`, "aria-label": `${on ? "stop" : "start"} recording ${s.name}` },
      on ? "stop recording" : "record"),
    on && o.state === "running" && $("button", { type: "button", id: `${path}/clip`, "data-do": `${encodeURIComponent(s.name)}/clip?seconds=60`,
      "aria-label": `make a clip of the last 60 s of ${s.name}` }, "clip the last 60 s"),
    answers.has(path) && $("span", { class: "next", role: "status" }, answers.get(path)));
}

const ringing = (all, now) => [
  $("h2", {}, "Alarm"),
  $("ul", {}, ...all.map((a) => $("li", { class: "mark bad" }, $("strong", {}, `${a.stream}, ${a.kind}: `), a.text, $("small", {}, `since ${clock(a.since, now)}`))))];

const air = (s) => (s.hold ? ["warn", "held"] : s.live ? ["good", "on air"] : ["idle", "off air"]);

// held says why nobody feeds a stream, and standby who is ready to.
const held = (h, now) => $("p", { class: "trouble warn" },
  `No publisher for ${age(h.since, now)}: ${h.why}. ${h.shown ? `Platforms get ${h.slate ? "the slate, or where that would end their session the last picture," : "the last picture and silence,"} and keep their session.` : "The session waits for its encoder."}`);
const standby = (all, now) => all.map((p) => $("p", {},
  `Standing by: ${p.role} with key “${p.key}”, ${rate(p.rates.video_bitrate + p.rates.audio_bitrate)}, for ${age(p.since, now)}`));

const renditions = (s) => (s.outputs || []).filter((o) => o.kind === "rendition").map((o) => `${s.name}@${o.name}`);

function stream(s, now, all) {
  const made = (o) => (o.kind === "rendition" ? all.find((d) => d.name === `${s.name}@${o.name}`) : undefined);
  const watch = s.live && s.playback !== "none" && s.outputs?.some((o) => o.kind === "hls");
  return $("section", { id: `stream-${s.name}`, "aria-label": `Stream ${s.name}` },
    $("h2", {}, s.name, $("span", { class: `mark ${air(s)[0]}` }, air(s)[1]),
      watch && $("a", { href: `/watch/${encodeURIComponent(s.name)}`, "data-pass": s.playback === "token" && s.name }, "watch")),
    recording(s),
    $("div", { class: "now" }, look(s, now), $("div", {},
      s.publisher ? publisher(s.publisher, now) : s.hold ? held(s.hold, now) : $("p", {}, "No publisher. Start streaming in OBS."),
      ...standby(s.standby || [], now))),
    $("table", {}, $("thead", {}, $("tr", {}, ...["Output", "State", "Delivery"].map((t) => $("th", { scope: "col" }, t)))),
      $("tbody", {}, ...(s.outputs || []).flatMap((o) => rows(o, now, made(o))))));
}

// look is what a stream looks like: a new picture every five seconds, none while nobody sees this page. Its place is there
// before the picture is, and the old one stays until the next has come.
function look(s, now) {
  if (!document.hidden) pictured = Math.floor(now / 5000);
  return s.live && s.playback === "public" && $("img", { class: "look", alt: "", width: 160, height: 90,
    src: `/api/v1/streams/${encodeURIComponent(s.name)}/thumbnail.jpg?t=${pictured}` });
}

const encoders = ({ budget, used, running, refused }) => [
  $("h2", {}, "Encoders"),
  $("p", {}, `${used.toFixed(1)} CPU cores used of a budget of ${budget.toFixed(1)}`),
  $("ul", {}, ...(running || []).map((e) => $("li", {}, `${e.name}: ${e.cores.toFixed(1)} cores, for ${list(e.for)}`)),
    ...(refused || []).map((r) => $("li", { class: "mark bad" }, `refused for ${r.for}: ${r.why}`)))];

const uploadMark = { done: "good", uploading: "good", verifying: "good", retrying: "bad", off: "warn" };

const uploads = ({ list: all, done, sent_bytes: sent }, now) => [
  $("h2", {}, "Uploads"),
  $("p", {}, `${many(done, "recording")} uploaded, ${bytes(sent)} sent`),
  $("table", {}, $("thead", {}, $("tr", {}, ...["Recording", "State", "Sent"].map((t) => $("th", { scope: "col" }, t)))),
    $("tbody", {}, ...all.map((u) => $("tr", { id: `upload/${u.file}` },
      $("th", { scope: "row" }, u.file, $("small", {}, u.target)),
      $("td", {}, $("span", { class: `mark ${uploadMark[u.state] || "idle"}` }, u.state), $("small", {}, `for ${age(u.since, now)}`)),
      $("td", {}, list([`${bytes(u.sent_bytes)} of ${bytes(u.total_bytes)}`, u.tries > 0 && `${u.tries} failed ${u.tries === 1 ? "try" : "tries"}`]),
        u.reason && $("p", { class: `trouble ${uploadMark[u.state] || "idle"}` }, u.class && $("strong", {}, `${u.class}: `), u.reason,
          u.next_try && $("span", { class: "next", "data-try": u.next_try }, untilTry(u.next_try))))))))];

const problems = (all) => [
  $("h2", {}, "Files to look at"),
  $("ul", {}, ...all.map((p) => $("li", { class: "mark bad" }, p.error, p.kept && $("small", {}, "its last good version goes on"))))];

// morph makes an element like another in place, so that what a person is at (focus, a half-done click, a selection,
// opened details) outlives the next answer.
function morph(old, next) {
  if (old.nodeName !== next.nodeName || old.id !== next.id) return old.replaceWith(next);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (name !== "open" && !next.hasAttribute(name)) old.removeAttribute(name);
  const were = [...old.childNodes], are = [...next.childNodes];
  are.forEach((child, i) => (i < were.length ? morph(were[i], child) : old.append(child)));
  were.slice(are.length).forEach((child) => child.remove());
}

// draw fills a part of the page, and hides one that has nothing to say.
function draw(id, children) {
  const old = byId(id);
  morph(old, $(old.localName, { id, hidden: !children.length && "" }, ...children));
}

function show(status) {
  const now = new Date(status.now);
  const derived = new Set(status.streams.flatMap(renditions));
  ahead = now - Date.now();
  newest = clock(now, now);
  byId("relay").textContent = `version ${status.version}, ffmpeg ${status.ffmpeg}, up ${age(status.started, now)}, ${bytes(status.disk.free_bytes)} free on disk`;
  draw("streams", status.streams.filter((s) => !derived.has(s.name)).map((s) => stream(s, now, status.streams)));
  draw("encoders", status.encoders.running?.length || status.encoders.refused?.length ? encoders(status.encoders) : []);
  draw("alarms", status.alarms?.length ? ringing(status.alarms, now) : []);
  draw("uploads", status.uploads?.list?.length ? uploads(status.uploads, now) : []);
  draw("problems", status.problems?.length ? problems(status.problems) : []);
}

// lose says that what is on the page is old.
function lose(lost) {
  byId("lost").hidden = !lost;
  byId("lost").textContent = lost ? list(["The relay does not answer. Is it running?", newest && `What stands here is of ${newest}.`], " ") : "";
  document.body.classList.toggle("old", lost);
}

async function refresh() {
  try {
    const answer = await fetch("/api/v1/status", { cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
    lose(false);
  } catch (e) {
    console.error(e);
    lose(true);
  }
}

// ask returns the admin token, "" if the person would rather not.
const ask = (why) => new Promise((done) => {
  const dialog = byId("ask"), field = byId("token");
  byId("why").textContent = why;
  dialog.returnValue = field.value = "";
  dialog.addEventListener("close", () => {
    done(dialog.returnValue && field.value.trim());
    field.value = "";
  }, { once: true });
  dialog.showModal();
});

// post has the relay do something, which takes the admin token; nothing if the person would rather not.
async function post(path, limit = patience, why = "") {
  const token = sessionStorage.getItem("token") || (await ask(why));
  if (!token) return undefined;
  const answer = await fetch(`/api/v1/${path}`,
    { method: "POST", headers: { Authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(limit) });
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    return post(path, limit, "That is not the admin token: see above where it stands.");
  }
  sessionStorage.setItem("token", token);
  return { ok: answer.ok, error: said.error || answer.statusText, ...said };
}

// order is post whose answer is shown at key, in words that said makes of it.
async function order(path, key, said, limit = patience) {
  const answer = await post(path, limit);
  if (!answer) return;
  answers.set(key, answer.ok ? said(answer) : answer.error);
  setTimeout(() => answers.delete(key), answerShown);
  await refresh();
}

const retry = (path) => order(`outputs/${path}/retry`, path, () => "The relay tries now.");

const record = (path) => order(`streams/${path}`, path.replace(/\/(record|clip)\?.*/, "/record"),
  (a) => (a.file ? `${a.file} holds the last ${Math.round(a.seconds)} s.` : a.on ? "It is to be recorded." : "It is recorded no more."), clipPatience);

// watch goes to the player of a stream that wants a token, for what is on or a show that is over.
async function watch(stream, show) {
  const answer = await post(`streams/${encodeURIComponent(stream)}/viewers`);
  if (answer?.ok) location.href = show ? `${answer.path}&show=${encodeURIComponent(show)}` : answer.path;
}

document.addEventListener("click", (e) => {
  const { retry: path, pass, show } = e.target.dataset ?? {};
  if (path) retry(path).catch(() => lose(true));
  const order = e.target.dataset?.do;
  if (order) record(order).catch(() => lose(true));
  if (!pass) return;
  e.preventDefault();
  watch(pass, show).catch(() => lose(true));
});

setInterval(() => document.querySelectorAll("[data-try]").forEach((e) => { e.textContent = untilTry(e.dataset.try); }), 1000);

async function poll() {
  await refresh();
  setTimeout(poll, pollEvery);
}
poll();
