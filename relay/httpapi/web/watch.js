// The player page: which way the stream is played, what becomes of it, and what to say about it. Buttons, keys and
// figures are in controls.js.
//
//	connecting ──picture──▶ live ⇄ stalled, paused, blocked
//	    ▲ │                  │
//	    │ └──────────────────┴──▶ waiting · ended · lost · refused · unable
//	    └──────────after a while──────────────┘
//
// An attempt plays until nothing more comes. Then the next one finds out why, and plays again as soon as there is
// something to play: the same show after a lost connection, or the next one.

import { name, master, index, flv, picture, show } from "./addresses.js";
import { Controls } from "./controls.js";
import * as wayFLV from "./wayflv.js";
import * as wayHLS from "./wayhls.js";
import * as wayNative from "./waynative.js";
import { recall, remember } from "./memory.js";

const byId = (id) => document.getElementById(id);
const video = byId("video"), player = byId("player");

const masterWait = 11000; // ms: the list of renditions comes 10 s after the first one's at the latest, and is read once
const patience = 5000; // ms, with a relay that does not answer
const stallShown = 1500; // ms, before a picture that stands still is spoken of
const stallGivenUp = 15000; // ms, before all is begun anew
const sayAfter = 1000; // ms: a state that passes is not read out

// What each state is called, what the viewer may expect, and when it is tried again, in ms: the first time and at most.
const states = {
  connecting: { air: ["idle", "connecting"], headline: "Connecting…" },
  live: { air: ["good", "live"] },
  stalled: { air: ["warn", "waiting"], headline: "Waiting for the picture…" },
  paused: { air: ["idle", "paused"] },
  blocked: { air: ["idle", "ready"], headline: "Press play", detail: "This browser starts nothing by itself." },
  waiting: { air: ["idle", "off air"], headline: `${name} is not live yet`, detail: "It starts here by itself.", again: [2000, 8000] },
  ended: { air: ["idle", "off air"], headline: `${name} has ended`, detail: "The next show starts here by itself.", again: [2000, 8000] },
  lost: { air: ["warn", "reconnecting"], headline: "The connection is lost", detail: "Trying again…", again: [500, 8000] },
  refused: { air: ["bad", "refused"], headline: "This link does not let you in", detail: "It is not valid, or no longer. Ask for a new one.", again: [15000, 60000] },
  unable: { air: ["bad", "cannot play"], headline: "This browser cannot play the stream", again: [30000, 60000] },
};

if (show) {
  states.live.air = ["good", "playing"];
  states.waiting = { air: ["idle", "not here"], headline: "This show is not here", detail: "Shows are kept for a while only." };
  states.ended = { air: ["idle", "over"], headline: "The show is over", detail: "Press play to see it again." };
}

let state = "connecting";
let turn = 0; // number of the newest attempt: those before it have no say
let playback; // what plays, if anything
let timer, stallTimer, sayTimer;
let tries = 0; // in a row without a picture
let seen = false; // this page has shown a picture
let lowSeen = false; // and by low latency
let held = false; // the viewer paused
let low = !show && recall("low") === "yes" && wayFLV.supported();
let skew = 0; // ms, of this machine's clock before the relay's
let moved = { at: 0, time: 0 }; // when the picture last moved

// say has a screen reader read what changed, once it has lasted.
function say(text) {
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => { if (byId("say").textContent !== text) byId("say").textContent = text; }, sayAfter);
}

function set(next, detail = states[next].detail ?? "") {
  const { air, headline = "" } = states[next];
  state = player.dataset.state = next;
  byId("headline").textContent = headline;
  byId("detail").textContent = detail;
  byId("air").className = `mark ${air[0]}`;
  byId("air").textContent = air[1];
  document.title = `${name} – ${air[1]}`;
  say(headline ? `${headline}. ${detail}` : `${name}: ${air[1]}`);
}

// fault keeps what should not have happened, for whoever looks into it.
function fault(what) {
  console.warn(what);
  player.dataset.faults = Number(player.dataset.faults ?? 0) + 1;
  player.dataset.fault = what;
}

function note(text) {
  byId("note").hidden = !text;
  byId("note").textContent = text;
}

// ask returns the HTTP code, 0 where the relay does not answer, and the text.
async function ask(url) {
  try {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience) });
    const ahead = Date.now() - Date.parse(answer.headers.get("Date")) - 500; // the date is in whole seconds
    skew = Math.abs(ahead) > 2000 ? ahead : 0; // less may be the network's doing
    return { code: answer.status, text: await answer.text() };
  } catch {
    return { code: 0, text: "" };
  }
}

// find looks for a show that is on: its playlist, else {code} or {ended}.
async function find() {
  const { code, text } = await ask(index);
  if (code !== 200) return { code };
  if (show) return { url: index };
  if (text.includes("#EXT-X-ENDLIST")) return { ended: true };
  const mine = turn, until = Date.now() + masterWait;
  do {
    if ((await ask(master)).code === 200) return { url: master };
    await new Promise((done) => setTimeout(done, 500));
  } while (mine === turn && Date.now() < until);
  return { url: index };
}

async function attempt() {
  const mine = ++turn;
  clearTimeout(timer);
  let way = wayFLV, url = flv;
  if (!low) {
    const found = await find();
    if (mine !== turn) return;
    if (!found.url) return over(mine, found);
    way = window.MediaSource ?? window.ManagedMediaSource ? wayHLS : wayNative;
    url = found.url;
  }
  await play(mine, way, url);
}

async function play(mine, way, url) {
  if (!states[state].again || state === "lost") set("connecting");
  if (!show) video.poster = `${picture}${picture.includes("?") ? "&" : "?"}t=${Date.now()}`;
  player.dataset.way = { [wayFLV.start]: "flv", [wayHLS.start]: "hls", [wayNative.start]: "native" }[way.start];
  moved = { at: Date.now(), time: -1 };
  let started;
  try {
    started = await way.start(video, url, {
      levels: (list) => mine === turn && controls.levels(list),
      fault,
      over: (why) => over(mine, why),
    });
  } catch (e) {
    console.warn(e);
    return over(mine, {});
  }
  if (mine !== turn) return started.stop();
  playback = started;
  if (!held) video.play().catch((e) => { if (e.name === "NotAllowedError" && mine === turn) set("blocked"); });
}

// over ends an attempt and plans the next one.
async function over(mine, why) {
  if (mine !== turn) return;
  const wasLow = player.dataset.way === "flv" && Boolean(playback);
  stop();
  if (low && why.code === 404 && !lowSeen && wasLow) {
    const next = turn;
    const found = await find();
    if (next !== turn) return;
    if (found.url) {
      say("Low latency is not available.");
      note("Low latency is not available here: this is the usual way, some seconds later.");
      return play(next, window.MediaSource ?? window.ManagedMediaSource ? wayHLS : wayNative, found.url);
    }
  }
  if (why.unable) set("unable", why.unable);
  else if (why.ended || why.code === 404) set(seen ? "ended" : "waiting");
  else if (why.code === 401 || why.code === 403) set("refused");
  else set("lost", tries > 1 ? `Trying again (${tries})…` : undefined);
  if (state === "ended" || state === "waiting") video.removeAttribute("poster");
  if (!states[state].again) return;
  const [first, most] = states[state].again;
  timer = setTimeout(attempt, Math.min(first * 1.6 ** tries++, most) * (0.8 + 0.4 * Math.random())); // not all at once
}

// stop ends the present attempt: what it still says is not heard.
function stop() {
  turn++;
  clearTimeout(timer);
  clearTimeout(stallTimer);
  playback?.stop();
  playback = undefined;
  controls.levels([]);
}

function restart() {
  stop();
  note("");
  tries = 0;
  set("connecting");
  attempt();
}

video.addEventListener("playing", () => {
  clearTimeout(stallTimer);
  if (!playback) return;
  tries = 0;
  seen = true;
  lowSeen ||= player.dataset.way === "flv";
  if (state !== "live") set("live");
});
video.addEventListener("waiting", () => {
  clearTimeout(stallTimer);
  stallTimer = setTimeout(() => { if (state === "live") set("stalled"); }, stallShown);
});
video.addEventListener("pause", () => { if (state === "live" || state === "stalled") set("paused"); });
video.addEventListener("play", () => { if (state === "paused" || state === "blocked") set(video.readyState > 2 ? "live" : "connecting"); });

const controls = new Controls({
  video,
  player,
  playback: () => playback,
  skew: () => skew,
  hold(on) {
    held = on;
    if (state === "ended" && show) {
      held = false;
      return restart();
    }
    if (on) return video.pause();
    if (player.dataset.way === "flv") controls.goLive(); // nothing of what was missed is wanted
    video.play().catch(() => {});
  },
  low: () => low,
  setLow(on) {
    low = on;
    remember("low", on ? "yes" : "no");
    restart();
  },
});

// A picture that stands still for long will not move by itself: an attempt may fail without a word.
setInterval(() => {
  if (video.currentTime !== moved.time || video.paused && held) moved = { at: Date.now(), time: video.currentTime };
  else if (playback && state !== "blocked" && Date.now() - moved.at > stallGivenUp) {
    fault(`the picture stood still at ${video.currentTime.toFixed(2)} s`);
    over(turn, {});
  }
  controls.refresh();
}, 500);

byId("name").textContent = name;
for (const [id, url] of [["link", index], ["flv-link", flv]]) byId(id).href = byId(id).textContent = url;
set("connecting");
attempt();
