import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/components.css';
import './styles/pages.css';
import { App } from './app.js';
import { followHistory } from './router.js';
import { followSession } from './state/live.js';
import { loadSession } from './state/session.js';
import { followTheme } from './state/theme.js';

followTheme();
followHistory();
followSession();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void loadSession();
