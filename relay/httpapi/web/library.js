// load runs a script of the relay's own, once, and returns the global that it makes.

const loading = new Map();

export function load(path, global) {
  if (!loading.has(path)) {
    loading.set(path, new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = path;
      script.onload = () => done(window[global]);
      script.onerror = () => {
        loading.delete(path); // a relay that restarts: the next attempt asks again
        script.remove();
        failed(new Error(`${path} did not load`));
      };
      document.head.append(script);
    }));
  }
  return loading.get(path);
}
