// HTTP-FLV by mpegts.js: low latency, the stream as it comes. No renditions, no going back.

import { load } from "./library.js";

const ahead = 0.4; // s of media kept before the picture, once it plays

export const supported = () => Boolean(window.MediaSource ?? window.ManagedMediaSource);

// start has the contract of the HLS way's.
export async function start(video, url, on) {
  const mpegts = await load("/static/mpegts.js", "mpegts");
  mpegts.LoggingControl.enableAll = false;
  const player = mpegts.createPlayer({ type: "flv", isLive: true, url }, {
    enableStashBuffer: false, // what comes is shown
    lazyLoad: false,
    deferLoadAfterSourceOpen: false, // tabs in the background load too
    liveSync: true, liveSyncMaxLatency: 0.9, liveSyncTargetLatency: 0.5, liveSyncPlaybackRate: 1.1,
    liveBufferLatencyChasing: true, liveBufferLatencyMaxLatency: 3, liveBufferLatencyMinRemain: ahead, // after a long stall
    autoCleanupSourceBuffer: true, autoCleanupMaxBackwardDuration: 30, autoCleanupMinBackwardDuration: 10,
  });
  let over = false;
  const end = (why) => {
    if (over) return;
    over = true;
    on.over(why);
  };
  const newest = () => (video.buffered.length ? video.buffered.end(video.buffered.length - 1) : NaN);
  const goLive = () => {
    if (newest() - video.currentTime > ahead) video.currentTime = newest() - ahead;
  };
  player.on(mpegts.Events.ERROR, (type, detail, info) => {
    if (type === mpegts.ErrorTypes.MEDIA_ERROR && /Codec/i.test(detail)) {
      on.fault(`mpegts.js: ${type} ${detail}`);
      return end({ unable: "This browser does not play this stream's codec." });
    }
    if (!info?.code) on.fault(`mpegts.js: ${type} ${detail}`);
    end({ code: info?.code });
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => end({})); // the next attempt learns why
  video.addEventListener("loadeddata", goLive, { once: true }); // it begins with the last keyframe, which may be old
  player.attachMediaElement(video);
  player.load();
  return {
    stop() {
      over = true;
      video.removeEventListener("loadeddata", goLive);
      player.destroy();
    },
    latency: () => newest() - video.currentTime,
    edge: () => newest() - ahead,
    seekable: () => [0, 0],
    choose() {},
    shown: () => 0,
  };
}
