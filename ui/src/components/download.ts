/** Hands a list to the browser as a file; with a byte order mark, by which spreadsheets know UTF-8. */
export function download(name: string, csv: string): void {
  const url = URL.createObjectURL(new Blob([csv.startsWith('\uFEFF') ? '' : '\uFEFF', csv], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has to have begun with it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
