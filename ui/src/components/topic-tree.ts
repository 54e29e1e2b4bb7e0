import type { Topic } from '../api/types.js';

/** One level of the topic tree. */
export interface TopicNode {
  /** Whole topic up to here. */
  path: string;
  name: string;
  /** Where something was published to this very topic. */
  topic: Topic | null;
  children: TopicNode[];
  /** Topics at and below this level. */
  topics: number;
  /** Messages per second at and below this level. */
  rate: number;
}

export interface TopicRow {
  node: TopicNode;
  depth: number;
}

/** Topics must be sorted so that those of one branch follow each other; they are, by name. */
export function treeOf(topics: readonly Topic[]): TopicNode[] {
  const root = nodeOf('', '');
  const known = new Map<string, TopicNode>([['', root]]);
  for (const topic of topics) {
    const segments = topic.topic.split('/');
    let above = root;
    const branch = [root];
    segments.forEach((name, index) => {
      // A first level that is empty ('/a') must not be taken for the root.
      const path = segments.slice(0, index + 1).join('/');
      const key = `/${path}`;
      let node = known.get(key);
      if (node === undefined) {
        node = nodeOf(path, name);
        known.set(key, node);
        above.children.push(node);
      }
      branch.push(node);
      above = node;
    });
    above.topic = topic;
    for (const node of branch) {
      node.topics++;
      node.rate += topic.rate;
    }
  }
  return root.children;
}

function nodeOf(path: string, name: string): TopicNode {
  return { path, name, topic: null, children: [], topics: 0, rate: 0 };
}

/** The rows to show, from top to bottom: what lies below a closed level is left out. */
export function rowsOf(nodes: readonly TopicNode[], isOpen: (node: TopicNode, depth: number) => boolean, depth = 0): TopicRow[] {
  return nodes.flatMap((node) => [
    { node, depth },
    ...(node.children.length > 0 && isOpen(node, depth) ? rowsOf(node.children, isOpen, depth + 1) : []),
  ]);
}
