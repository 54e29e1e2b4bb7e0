export interface TagFacts {
  name: string;
  area: string;
  address: number;
  type: string;
  /** null: it has none. */
  order: string | null;
}

/** A tag as the configuration has it, and as a row of a tag list with its head. */
export function tagLines({ name, area, address, type, order }: TagFacts): { yaml: string; csv: string } {
  const isPlain = order === null || order === 'AB' || order === 'ABCD' || order === 'ABCDEFGH';
  const orderKey = isPlain ? '' : `, order: ${order}`;
  const typeKey = type === 'bool' ? '' : `, type: ${type}`;
  return {
    yaml: `- {name: ${name}, area: ${area}, address: ${address}${typeKey}${orderKey}}`,
    csv: `name,area,address,type,order\n${name},${area},${address},${type},${isPlain ? '' : order}`,
  };
}
