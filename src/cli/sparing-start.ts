import { setFlagsFromString } from 'node:v8';

/** A start that takes longer (a damaged database is saved) or fails does not keep the program slow. */
const AT_MOST_MS = 5000;

/**
 * Holds V8 back from optimising until the given function is called, or for 5 s. What runs at the start runs once: optimising it
 * takes a fifth of the processor time of the start, and 14 MB that stay with the compiler's threads. What is hot afterwards
 * is optimised as soon as it is.
 *
 * A flag set here and not on the command line holds for every way in which the gateway is started.
 */
export function sparingStart(): () => void {
  setFlagsFromString('--no-turbofan');
  const restore = (): void => {
    clearTimeout(timer);
    setFlagsFromString('--turbofan');
  };
  const timer = setTimeout(restore, AT_MOST_MS);
  timer.unref();
  return restore;
}
