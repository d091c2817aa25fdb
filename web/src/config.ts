// What differs between deployments, read from /config.json at every start, so
// that one build serves everywhere. Its fields: infra/blueprint/dashboard.go.
export interface Config {
  api: string;
  issuer: string;
  clientId: string;
  signUp?: string;
  signOutWithToken?: boolean;
}

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('/config.json', { cache: 'no-cache' });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return (await answer.json()) as Config;
}
