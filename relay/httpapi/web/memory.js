// What a viewer chose, for the next time. A browser that keeps nothing (private windows, blocked storage) is no error.

export function recall(key) {
  try {
    return localStorage.getItem(`watch.${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`watch.${key}`, value);
  } catch { /* it lasts as long as the page */ }
}
