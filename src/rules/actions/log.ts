import type { Scope } from '../expression/scope.js';
import type { Action, LogActionLevel } from '../rule.js';

/** `log`: a line in the gateway's log. */
export function compileLog(text: (scope: Scope) => string, level: LogActionLevel): Action {
  return (scope) => {
    const line = text(scope);
    return (context) => {
      context.log(level, line);
      return Promise.resolve();
    };
  };
}
