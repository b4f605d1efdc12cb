"use strict";

const name = decodeURIComponent(location.pathname.split("/").pop());
const source = `/hls/${encodeURIComponent(name)}/index.m3u8`;
const video = document.getElementById("video");
const note = document.getElementById("note");
const link = document.getElementById("link");
link.href = link.textContent = new URL(source, location).href;
document.title = `${name} – restreamd`;

const retryEvery = 2000;

// A stream that is not live yet, or no more, is asked for again until it is. The playlist of a show that is over stays
// for a while: it is not played again.
function play() {
  if (!Hls.isSupported()) { // Safari on iPhones plays HLS by itself
    video.src = source;
    return;
  }
  const hls = new Hls({ liveSyncDurationCount: 2 });
  let playing = false;
  const again = (text) => {
    note.textContent = text;
    hls.destroy();
    setTimeout(play, retryEvery);
  };
  hls.on(Hls.Events.LEVEL_LOADED, (_, e) => {
    if (playing) return;
    if (!e.details.live) return again(`${name} is not live`);
    playing = true;
    note.textContent = name;
    hls.attachMedia(video);
    video.play().catch(() => { note.textContent = "Press play"; });
  });
  hls.on(Hls.Events.ERROR, (_, e) => {
    if (!e.fatal) return;
    if (e.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else again(`${name} is not live`);
  });
  video.onended = () => again(`${name} has ended`);
  hls.loadSource(source);
}
play();
