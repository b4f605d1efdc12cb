// Buttons, keys and figures of the player page. It knows how to look at and steer what plays, not what plays.

import { show } from "./addresses.js";
import { recall, remember } from "./memory.js";
import { supported as lowSupported } from "./wayflv.js";

const byId = (id) => document.getElementById(id);

const jump = 10; // s, of an arrow key
const margin = 2; // s
const dvrFrom = 15; // s of history that are worth a slider
const idleAfter = 3000; // ms, in full screen
const seconds = (s) => (s < 9.95 ? s.toFixed(1) : String(Math.round(s)));

export class Controls {
  #page;
  #video;
  #dragging = false;
  #list = []; // renditions, best first
  #idle;

  // page offers what plays: {video, player, playback(), skew(), hold(on), low(), setLow(on)}
  constructor(page) {
    this.#page = page;
    this.#video = page.video;
    this.#buttons();
    this.#sound();
    this.#dvr();
    this.#fullScreen();
    this.#keys();
    this.refresh();
  }

  #buttons() {
    byId("play").onclick = () => this.toggle();
    byId("screen").onclick = () => this.toggle();
    byId("edge").onclick = () => this.goLive();
    byId("low").hidden = Boolean(show) || !lowSupported();
    byId("edge").hidden = Boolean(show);
    byId("low").onclick = () => this.#page.setLow(!this.#page.low());
    byId("quality").onchange = () => {
      const i = Number(byId("quality").value);
      remember("quality", i < 0 ? "" : this.#list[i].height);
      this.#page.playback()?.choose(i);
    };
    for (const event of ["play", "pause", "volumechange"]) this.#video.addEventListener(event, () => this.refresh());
  }

  #sound() {
    const volume = byId("volume");
    this.#video.volume = volume.value = Number(recall("volume") ?? 1);
    byId("mute").onclick = () => this.#mute();
    volume.oninput = () => {
      this.#video.volume = volume.value;
      this.#video.muted = volume.value === "0";
      remember("volume", volume.value);
    };
  }

  #dvr() {
    const seek = byId("seek");
    seek.onpointerdown = () => { this.#dragging = true; };
    seek.onpointerup = seek.onpointercancel = () => { this.#dragging = false; };
    seek.oninput = () => this.#seekTo(this.#window()[0] + Number(seek.value));
  }

  #fullScreen() {
    const { player } = this.#page, full = byId("full");
    full.hidden = !player.requestFullscreen && !this.#video.webkitEnterFullscreen;
    full.onclick = () => this.#toggleFull();
    document.addEventListener("fullscreenchange", () => {
      full.setAttribute("aria-label", document.fullscreenElement ? "Leave full screen" : "Full screen");
      this.#awake();
    });
    for (const event of ["pointermove", "pointerdown", "keydown"]) player.addEventListener(event, () => this.#awake());
  }

  // awake shows the bar, which in full screen goes away when nobody does anything.
  #awake() {
    clearTimeout(this.#idle);
    this.#page.player.classList.remove("asleep");
    if (document.fullscreenElement) this.#idle = setTimeout(() => this.#page.player.classList.add("asleep"), idleAfter);
  }

  #toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.#page.player.requestFullscreen) this.#page.player.requestFullscreen().catch(() => {});
    else this.#video.webkitEnterFullscreen();
  }

  #keys() {
    const on = byId("keys");
    on.checked = recall("keys") !== "no";
    on.onchange = () => remember("keys", on.checked ? "yes" : "no");
    const does = {
      " ": () => this.toggle(), k: () => this.toggle(), m: () => this.#mute(), f: () => this.#toggleFull(), l: () => this.goLive(),
      ArrowLeft: () => this.#seekTo(this.#video.currentTime - jump), ArrowRight: () => this.#seekTo(this.#video.currentTime + jump),
    };
    document.addEventListener("keydown", (e) => {
      const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
      if (!on.checked || !does[key] || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("select")) return;
      const own = e.target.matches("input, button, a, summary") && (key === " " || e.target.type === "range"); // its own keys
      if (own || (e.repeat && !key.startsWith("Arrow"))) return;
      e.preventDefault();
      does[key]();
    });
  }

  #mute() {
    this.#video.muted = !this.#video.muted;
    if (!this.#video.muted && this.#video.volume === 0) this.#video.volume = 0.5;
  }

  toggle() {
    this.#page.hold(!this.#video.paused);
  }

  goLive() {
    if (show) return;
    const edge = this.#page.playback()?.edge();
    if (edge > 0) this.#video.currentTime = edge;
    if (this.#video.paused) this.#video.play().catch(() => {});
  }

  // window is what can be played, in seconds of the video's clock.
  #window() {
    return this.#page.playback()?.seekable() ?? [0, 0];
  }

  // seekTo keeps away from the oldest segment: it may be gone before it is fetched.
  #seekTo(time) {
    const [from, to] = this.#window();
    if (to > from) this.#video.currentTime = Math.min(Math.max(time, from + margin), to);
    this.refresh();
  }

  // levels takes the renditions there are, or says by undefined that another one is shown.
  levels(list) {
    const select = byId("quality");
    if (list) {
      this.#list = list;
      const label = ({ height, bitrate }) => [height && `${height}p`, bitrate && `${(bitrate / 1e6).toFixed(1)} Mb/s`].filter(Boolean).join(", ");
      const order = [...list.keys()].sort((a, b) => list[b].bitrate - list[a].bitrate);
      select.replaceChildren(new Option("Auto", -1), ...order.map((i) => new Option(label(list[i]), i)));
      const chosen = order.find((i) => String(list[i].height) === recall("quality")) ?? -1;
      select.value = chosen;
      if (chosen >= 0) this.#page.playback()?.choose(chosen);
    }
    byId("qualities").hidden = this.#list.length < 2;
    const shown = this.#page.playback()?.shown();
    select.options[0].text = shown ? `Auto (${shown}p)` : "Auto";
  }

  // refresh brings buttons and figures up to date. None of them is read out by itself.
  refresh() {
    const video = this.#video;
    const label = (id, text, on) => {
      if (byId(id).getAttribute("aria-label") !== text) byId(id).setAttribute("aria-label", text);
      byId(id).dataset.on = on;
    };
    label("play", video.paused ? "Play" : "Pause", !video.paused);
    label("mute", video.muted ? "Unmute" : "Mute", video.muted);
    byId("low").setAttribute("aria-pressed", this.#page.low());
    if (!this.#dragging) byId("volume").value = video.muted ? 0 : video.volume;
    this.#position();
  }

  #position() {
    const playback = this.#page.playback(), video = this.#video;
    const latency = playback?.latency(this.#page.skew());
    const shown = latency > -1 && latency < 86400 && video.readyState > 1;
    byId("latency").hidden = !shown;
    byId("late").textContent = shown ? `${seconds(Math.max(latency, 0))} s` : "";
    const behind = playback ? playback.edge() - video.currentTime : NaN;
    byId("edge").dataset.on = behind < 2 && video.readyState > 1;

    const [from, to] = this.#window(), seek = byId("seek");
    byId("dvr").hidden = to - from < dvrFrom;
    if (byId("dvr").hidden || this.#dragging) return;
    seek.max = Math.max(to - from, 0);
    seek.value = video.currentTime - from;
    const late = Math.round(behind / 5) * 5; // coarse: a reader on the slider is told of each change
    const text = show ? `${Math.round(video.currentTime - from)} s` : late > 0 ? `${late} s behind live` : "live";
    if (seek.getAttribute("aria-valuetext") !== text) seek.setAttribute("aria-valuetext", text);
  }
}
