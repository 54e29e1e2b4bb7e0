import { Component, createElement, type FunctionComponent } from 'preact';

/** A component that renders again only when one of its properties is another one. */
export function memo<P extends object>(render: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before = this.props as unknown as Record<string, unknown>;
      return Object.entries(next).some(([name, value]) => !Object.is(before[name], value));
    }

    override render() {
      return createElement(render, this.props as P);
    }
  }
  return (props: P) => createElement(Memo, props);
}
