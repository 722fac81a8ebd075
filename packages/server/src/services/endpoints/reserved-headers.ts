/** Header names that an endpoint can't choose, and why. A receiver's proxies and applications could believe them. */

/** Reserved names, grouped by reason. A `*` at the beginning or at the end matches anything. */
const RESERVED: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  {
    why: 'requests authenticate by clientSecret, oauth or clientCertificate',
    names: ['authorization', 'cookie', 'cookie2', 'proxy-*'],
  },
  {
    why: 'it belongs in responses',
    names: ['set-cookie', 'set-cookie2'],
  },
  {
    why: 'Posthorn sets it, and receivers rely on its value',
    names: ['user-agent', 'x-apiversion', 'webhook-*', 'x-posthorn-*'],
  },
  {
    // The body is the payload, byte for byte (C5). No header can say otherwise.
    why: 'it describes the body, which is always the payload as JSON',
    names: ['content-*'],
  },
  {
    // These allow request smuggling: a proxy could see a different request from the one that was sent.
    why: 'it belongs to the connection',
    names: [
      'host',
      'connection',
      'keep-alive',
      'transfer-encoding',
      'te',
      'trailer',
      'upgrade',
      'expect',
      'http2-settings',
      'max-forwards',
      'accept-encoding',
      'early-data',
      'cdn-loop',
    ],
  },
  {
    why: 'it would claim that the request comes from someone else',
    names: [
      'via',
      'origin',
      'referer',
      'sec-*',
      // The client's address, under any vendor's prefix.
      'forwarded',
      'forwarded-*',
      'x-forward-*',
      'x-forwarded',
      'x-forwarded-*',
      '*-forwarded-for',
      '*client-ip',
      '*clientip',
      '*real-ip',
      '*remote-ip',
      '*remote-addr',
      '*connecting-ip',
      '*socket-ip',
      '*socketip',
      '*source-ip',
      '*src-ip',
      '*user-ip',
      'x-original-for',
      'x-originating-*',
      'x-remote-*',
      'remote-*',
      'x-proxy-user',
      'x-proxy-user-*',
      'x-proxyuser-*',
      'x-custom-ip-authorization',
      // What content delivery networks, load balancers and clouds set, and the servers behind them believe.
      'cf-*',
      'fastly-*',
      'akamai-*',
      'x-akamai-*',
      'cloudfront-*',
      'incap-*',
      'wl-proxy-*',
      'x-azure-*',
      'x-arr-*',
      'x-appengine-*',
      'x-envoy-*',
      'x-vercel-ip-*',
      'x-nf-client-connection-ip',
      // Users and clients that a proxy has authenticated.
      '*remote-user',
      'authenticated-*',
      'x-authenticated-*',
      'x-goog-authenticated-*',
      'x-auth-request-*',
      'x-webauth-*',
      'x-authentik-*',
      'x-pomerium-*',
      'x-vouch-*',
      'x-consumer-*',
      'x-anonymous-consumer',
      'x-credential-identifier',
      'x-goog-iap-*',
      'x-endpoint-api-userinfo',
      'x-apigateway-*',
      'x-amzn-oidc-*',
      'x-amzn-mtls-*',
      'x-ms-client-principal',
      'x-ms-client-principal-*',
      'x-ms-token-*',
      'tailscale-*',
      'client-cert',
      'client-cert-*',
      'x-client-cert',
      'x-client-cert-*',
      'x-client-dn',
      'x-client-verify',
      'ssl-*',
      'x-ssl-*',
      'tls-client-*',
      'x-tls-client-*',
    ],
  },
  {
    why: 'some servers use it as the host or the scheme',
    names: [
      '*-original-host',
      '*-forwarded-host',
      '*host-override',
      'x-host',
      'x-http-host',
      'x-real-host',
      'x-real-port',
      'x-real-proto',
      'x-real-scheme',
      'x-original-proto',
      'x-backend-host',
      'disguised-host',
      'was-default-hostname',
      'x-scheme',
      'x-url-scheme',
      'front-end-https',
    ],
  },
  {
    why: 'some servers use it as the path',
    names: [
      'x-original-url',
      'x-original-uri',
      'x-original-path',
      'x-original-prefix',
      'x-rewrite-url',
      'x-rewrite-uri',
      'x-replaced-path',
      'x-request-uri',
      'x-script-name',
      'x-waws-unencoded-url',
      'x-invoke-path',
    ],
  },
  {
    why: 'some servers skip their own checks for it',
    names: ['x-middleware-*'],
  },
  {
    why: 'some servers send their own requests through the proxy that it names',
    names: ['proxy'],
  },
  {
    why: 'a request is always a POST',
    names: ['x-http-method', 'x-original-method', '*method-override', '*verb-override'],
  },
  {
    // A fixed value would join all deliveries of an endpoint into a single, endless trace.
    why: 'its value must differ from request to request',
    names: [
      'date',
      'traceparent',
      'tracestate',
      'elastic-apm-traceparent',
      'b3',
      'x-b3-*',
      'uber-trace-id',
      'sentry-trace',
      'x-amzn-trace-id',
      'x-cloud-trace-context',
      'x-datadog-trace-id',
      'x-datadog-parent-id',
    ],
  },
]

/** Why the name is reserved, continuing "Remove this header: …". Undefined if it isn't. */
export function whyReserved(name: string): string | undefined {
  const spelled = spellingOf(name)
  return RESERVED.find(({ names }) => names.some(reserved => isNamed(spelled, reserved)))?.why
}

/**
 * What receivers can take a name for: servers that pass headers on as variables (CGI, WSGI) tell neither case nor
 * punctuation apart.
 */
export const spellingOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

function isNamed(name: string, reserved: string): boolean {
  if (reserved.startsWith('*')) return name.endsWith(reserved.slice(1))
  return reserved.endsWith('*') ? name.startsWith(reserved.slice(0, -1)) : name === reserved
}
