import { defineConfig } from "vite";
import vue from "@vitejs/plugin-vue";

// `npm run dev` serves the page from Vite and sends control calls to a running console.
const console_ = process.env.XINQIAO_CONSOLE ?? "http://127.0.0.1:8600";

export default defineConfig({
  plugins: [vue()],
  build: {
    target: ["chrome107", "safari16", "firefox104"],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 200,
  },
  define: { __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  server: { proxy: { "/_sim": { target: console_, changeOrigin: true } } },
});
