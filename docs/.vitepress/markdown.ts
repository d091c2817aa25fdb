import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

const repository = 'https://github.com/latchkey/latchkey/blob/main/';

/** The anchor of a heading, as GitHub makes it: the pages are read there, too. */
export function slug(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
}

/** Leads links that leave docs to the repository, and those to a README to the page that it is here. */
export function links(md: MarkdownRenderer): void {
  md.core.ruler.push('links', (state) => {
    const folder = posix.dirname((state.env as { relativePath?: string }).relativePath ?? '');
    for (const token of state.tokens.flatMap((t) => t.children ?? [])) {
      const href = token.attrGet('href');
      if (token.type !== 'link_open' || !href || /^([a-z]+:|#|\/)/.test(href)) continue;
      const target = posix.normalize(posix.join(folder, href));
      if (target.startsWith('../')) token.attrSet('href', repository + target.slice(3));
      else token.attrSet('href', href.replace(/README\.md/, 'index.md'));
    }
  });
}

/** Makes an empty cell of a table's head a cell: a screen reader would announce a heading that says nothing. */
export function emptyHeads(md: MarkdownRenderer): void {
  md.core.ruler.push('empty-heads', ({ tokens }) => {
    tokens.forEach((token, i) => {
      if (token.type === 'th_open' && tokens[i + 1].content === '') token.tag = tokens[i + 2].tag = 'td';
    });
  });
}
