import optimizeLocales from '@react-aria/optimize-locales-plugin';
import { defineConfig } from 'vite';

export default defineConfig({
  // The component library speaks 30 languages; the dashboard speaks these.
  plugins: [optimizeLocales.vite({ locales: ['en-US', 'de-DE', 'fr-FR', 'es-ES', 'pt-BR', 'ja-JP', 'zh-CN'] })],
  build: {
    outDir: '../build/web',
    emptyOutDir: true,
    target: 'es2024',
    assetsInlineLimit: 0, // nothing inline: the Content-Security-Policy forbids it
    modulePreload: { polyfill: false },
  },
});
