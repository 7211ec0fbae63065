/**
 * The host as addresses have it: lower-case, ASCII (`xn--…`), without a last dot, IPv6 in brackets and shortened.
 * Undefined for what is no host alone.
 */
export function toHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (/^[0-9a-f.]*:[0-9a-f.:]*:[0-9a-f.:]*$/i.test(bare)) return URL.parse(`https://[${bare}]`)?.hostname;
  if (!/^[^\s\p{Cc}/\\:?#@%[\]]+$/u.test(text)) return undefined;
  const host = URL.parse(`https://${text}`)?.hostname.replace(/\.$/, '');
  return host !== undefined && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host) ? host : undefined;
}
