/** Lines of a file: those that go, and those that come. */
export function LinesDiff({ label, removed, added }: { label: string; removed: readonly string[]; added: readonly string[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <section class="diff" tabIndex={0} aria-label={label}>
      <pre class="mono">
        {removed.map((text, index) => (
          <del key={`-${index}`}>{`− ${text}\n`}</del>
        ))}
        {added.map((text, index) => (
          <ins key={`+${index}`}>{`+ ${text}\n`}</ins>
        ))}
      </pre>
    </section>
  );
}
