import { createRoot } from 'react-dom/client';
import { startAPI } from './api';
import { App, type Arrival } from './app';
import { loadConfig } from './config';
import { takeInvitation } from './invitation';
import { comeBack, resumeDeparture, startSession } from './session';
import { loadText, TextProvider } from './text';
import './style.css';

/** The way back from the issuer. Whatever failed there, the person can sign in again. */
async function arrive(): Promise<Arrival> {
  if (location.pathname !== '/callback') return {};
  try {
    const { to } = await comeBack();
    history.replaceState(null, '', to);
    return { signedIn: true };
  } catch {
    history.replaceState(null, '', '/callback');
    return { failed: true };
  }
}

async function start(): Promise<void> {
  takeInvitation();
  const [config, text] = await Promise.all([loadConfig(), loadText()]);
  startAPI(config.api);
  await startSession(config);
  if (location.pathname === '/' && (await resumeDeparture())) return; // the page is leaving
  const arrival = await arrive();
  createRoot(document.getElementById('root')!).render(
    <TextProvider initial={text}>
      <App arrival={arrival} />
    </TextProvider>,
  );
}

start().catch(() => {
  // Before the messages are there, so in one language.
  document.getElementById('root')!.textContent = 'The dashboard could not be started. Check your connection and load the page again.';
});
