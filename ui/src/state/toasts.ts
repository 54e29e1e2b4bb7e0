import { Store } from './store.js';

export interface Toast {
  id: number;
  text: string;
}

const SHOWN_MS = 6000;
let last = 0;

/** Results of actions, said for a few seconds. Errors stay where the action was started instead. */
export const toasts = new Store<readonly Toast[]>([]);

export function say(text: string): void {
  const toast = { id: ++last, text };
  toasts.set([...toasts.value, toast].slice(-4));
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.set(toasts.value.filter((toast) => toast.id !== id));
}
