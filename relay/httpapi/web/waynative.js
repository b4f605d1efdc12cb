// HLS by the browser itself, for those that have no Media Source Extensions: Safari on older iPhones.

import { show } from "./addresses.js";

// start has the contract of the HLS way's.
export async function start(video, url, on) {
  const edge = () => (video.seekable.length ? video.seekable.end(video.seekable.length - 1) : NaN);
  const failed = () => {
    on.fault(`video: ${video.error?.message || video.error?.code}`);
    on.over({});
  };
  const ended = () => on.over({ ended: true });
  video.addEventListener("error", failed);
  video.addEventListener("ended", ended);
  video.src = url;
  return {
    stop() {
      video.removeEventListener("error", failed);
      video.removeEventListener("ended", ended);
      video.removeAttribute("src");
      video.load();
    },
    latency(skew) {
      if (show) return NaN;
      const began = video.getStartDate?.().getTime(); // Safari alone tells the clock in the playlist
      return began ? (Date.now() - skew - began) / 1000 - video.currentTime : edge() - video.currentTime;
    },
    edge,
    seekable: () => (video.seekable.length ? [video.seekable.start(0), edge()] : [0, 0]),
    choose() {},
    shown: () => 0,
  };
}
