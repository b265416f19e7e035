import { createApp } from "vue";
import "./styles/tokens.css";
import "./styles/base.css";
import "weui/dist/style/widget/weui-cell/weui-cell.min.css";
import "./styles/phone.css";
import { lang, setLang } from "./i18n";
import "./theme";
import { start } from "./store/store";
import App from "./App.vue";

start();
void setLang(lang.value).finally(() => createApp(App).mount("#app"));
