// Where this page's stream is found. A viewer's token in the page's own address goes with every request.

export const name = decodeURIComponent(location.pathname.split("/").pop());

const asked = new URLSearchParams(location.search);
const token = asked.get("token");
// show is the session of a show that is over, if the page is to play one: ?show=20261122T180000Z.
export const show = asked.get("show")?.match(/^\d{8}T\d{6}Z$/)?.[0];
const stream = encodeURIComponent(name);
const at = (path) => new URL(token ? `${path}?token=${encodeURIComponent(token)}` : path, location.origin).href;

export const master = at(`/hls/${stream}/master.m3u8`); // every rendition
export const index = at(`/hls/${stream}/${show ?? "index"}.m3u8`); // the stream as it came
export const flv = at(`/flv/${stream}.flv`);
export const picture = at(`/api/v1/streams/${stream}/thumbnail.jpg`);
