/** A fault that was found; the message says how to repeat it. */
export class Finding extends Error {
  constructor(what: string, repeat: string, input: Buffer | null = null) {
    const bytes = input === null ? '' : `\n  input: ${input.toString('hex').slice(0, 2000)}`;
    super(`${what}\n  repeat: npm run test:fuzz -- ${repeat}${bytes}`);
    this.name = 'Finding';
  }
}
