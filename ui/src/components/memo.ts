import { Component, createElement, type FunctionComponent } from 'preact';

/** Of properties: what counts as the same. */
type Compare<P> = { [K in keyof P]?: (before: P[K], after: P[K]) => boolean };

/** A component that renders again only when one of its properties is another one, or by `compare` not the same. */
export function memo<P extends object>(render: FunctionComponent<P>, compare: Compare<P> = {}): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return (Object.keys(next) as (keyof P & string)[]).some((name) => {
        const before = (this.props as P)[name];
        return !(compare[name] ?? Object.is)(before, next[name]);
      });
    }

    override render() {
      return createElement(render, this.props as P);
    }
  }
  return (props: P) => createElement(Memo, props);
}
