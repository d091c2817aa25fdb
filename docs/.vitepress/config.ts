import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { emptyHeads, links, slug } from './markdown';

const docs = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  title: 'Latchkey',
  description: 'The invitation service of a SaaS workspace.',
  lang: 'en-US',
  outDir: '../build/docs-site',
  cleanUrls: false, // the pages open from any static server, and from a folder
  appearance: 'force-auto',
  rewrites: { 'providers/README.md': 'providers/index.md' },
  // The API's whole reference is a page of its own, which buildEnd copies.
  ignoreDeadLinks: [/^\/api\/index/],
  markdown: {
    anchor: { slugify: slug },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (md) => void md.use(links).use(emptyHeads),
  },
  buildEnd: (site) => cpSync(`${docs}/api`, `${site.outDir}/api`, { recursive: true }),
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Concepts', link: '/concepts' },
      { text: 'API', link: '/reference/users' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'Quick start', link: '/quick-start' },
          { text: 'Concepts', link: '/concepts' },
          { text: 'Deploy to AWS', link: '/operations' },
        ],
      },
      {
        text: 'Guides',
        items: [
          { text: 'Your own dashboard', link: '/guides/dashboard' },
          { text: 'Your own identity provider', link: '/providers/' },
          { text: 'Moving from another system', link: '/guides/migrating' },
          { text: 'Events to Slack', link: '/guides/slack' },
          { text: 'Webhooks', link: '/guides/webhooks' },
          { text: 'GDPR requests', link: '/guides/gdpr' },
          { text: 'Smoke test', link: '/smoke-test' },
        ],
      },
      {
        text: 'API',
        items: [
          { text: 'Conventions', link: '/reference/conventions' },
          { text: 'Me', link: '/reference/me' },
          { text: 'Workspaces', link: '/reference/workspaces' },
          { text: 'Users', link: '/reference/users' },
          { text: 'History', link: '/reference/history' },
          { text: 'Accounts', link: '/reference/accounts' },
          { text: 'Invitations', link: '/reference/invitations' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Events', link: '/reference/events' },
          { text: 'Settings', link: '/operations#settings' },
          { text: 'Alarms', link: '/operations#alarms' },
          { text: 'Permissions', link: '/security' },
          { text: 'Costs', link: '/cost' },
          { text: 'Performance', link: '/performance' },
          { text: 'Scale', link: '/scale' },
          { text: 'Mail', link: '/mail' },
          { text: 'Privacy', link: '/privacy' },
        ],
      },
      {
        text: 'Inside',
        items: [
          { text: 'Architecture', link: '/architecture' },
          { text: 'Data model', link: '/data-model' },
        ],
      },
    ],
  },
});
