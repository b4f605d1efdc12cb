"use strict";

// The page shows /api/v1/status as it is, every two seconds. Text from outside only ever becomes text.

const $ = (tag, attrs = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) if (v !== undefined && v !== false) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
};

const bytes = (n) => {
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (n < 1000) return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
};
const rate = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} Mb/s` : `${Math.round(n / 1e3)} kb/s`);
const span = (from, now) => {
  let s = Math.max(0, Math.round((now - new Date(from)) / 1000));
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  s %= 60;
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
};

function publisher(p, now) {
  const v = p.media.video, a = p.media.audio, facts = [];
  if (v.codec) facts.push(["Video", [v.codec, v.profile, v.width && `${v.width}×${v.height}`, rate(p.rates.video_bitrate)].filter(Boolean).join(" ")]);
  if (p.rates.fps) facts.push(["Frames", `${p.rates.fps.toFixed(1)} a second`]);
  if (p.rates.keyframe_interval) facts.push(["Keyframe every", `${p.rates.keyframe_interval.toFixed(1)} s${p.rates.keyframe_interval > 4 ? ": set Keyframe Interval to 2 s in OBS" : ""}`]);
  if (a.codec) facts.push(["Audio", [a.codec, a.rate && `${a.rate / 1000} kHz`, a.channels && `${a.channels} ch`, rate(p.rates.audio_bitrate)].filter(Boolean).join(" ")]);
  facts.push(["From", `${p.remote} with key “${p.key}”, for ${span(p.since, now)}`]);
  if (p.media.encoder || p.agent) facts.push(["Encoder", p.media.encoder || p.agent]);
  return $("dl", {}, ...facts.map(([k, t]) => $("div", {}, $("dt", {}, k), $("dd", {}, t))));
}

function row(o, now) {
  const notes = [];
  if (o.reason) notes.push(o.reason);
  if (o.next_try) notes.push(`next try in ${Math.max(0, Math.ceil((new Date(o.next_try) - now) / 1000))} s`);
  if (o.drops.packets) notes.push(`${o.drops.packets} packets dropped (${o.drops.gops} GOPs): too slow`);
  const lines = o.lines && o.lines.length
    ? $("details", { id: `lines-${o.kind}-${o.name}` }, $("summary", {}, "last words"), $("pre", {}, o.lines.join("\n"))) : "";
  return $("tr", {},
    $("th", { scope: "row" }, o.name, $("small", {}, o.target)),
    $("td", {}, $("span", { class: `state ${o.state}` }, o.state), $("small", {}, `for ${span(o.since, now)}`)),
    $("td", {}, o.delivered_bytes ? `${bytes(o.delivered_bytes)} acknowledged` : o.out_time ? `${o.out_time.toFixed(0)} s written` : ""),
    $("td", {}, notes.join("; "), lines));
}

function stream(s, now) {
  const title = $("h2", {}, s.name, $("span", { class: `state ${s.live ? "running" : "waiting"}` }, s.live ? "on air" : "off air"));
  if (s.live) title.append($("a", { href: `/watch/${encodeURIComponent(s.name)}` }, "watch"));
  return $("section", { "aria-label": `Stream ${s.name}` }, title,
    s.publisher ? publisher(s.publisher, now) : $("p", {}, "No publisher. Start streaming in OBS."),
    $("table", {}, $("thead", {}, $("tr", {}, ...["Output", "State", "Progress", "Notes"].map((t) => $("th", { scope: "col" }, t)))),
      $("tbody", {}, ...(s.outputs || []).map((o) => row(o, now)))));
}

function show(status) {
  const now = new Date(status.now);
  const opened = [...document.querySelectorAll("details[open]")].map((d) => d.id);
  document.getElementById("relay").textContent =
    `version ${status.version}, ffmpeg ${status.ffmpeg}, up ${span(status.started, now)}, ${bytes(status.disk.free_bytes)} free on disk`;
  document.getElementById("streams").replaceChildren(...status.streams.map((s) => stream(s, now)));
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  const problems = document.getElementById("problems");
  problems.hidden = !status.problems?.length;
  problems.querySelector("ul").replaceChildren(...(status.problems || []).map((p) =>
    $("li", {}, p.error, p.kept ? $("small", {}, "its last good version goes on") : "")));
}

async function poll() {
  try {
    const answer = await fetch("/api/v1/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
  } catch (e) {
    document.getElementById("relay").textContent = "The relay does not answer. Is it running?";
  }
  setTimeout(poll, 2000);
}
poll();
