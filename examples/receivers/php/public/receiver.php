<?php
// Receives COVER_REFERENCE. PHP 8.1 or later, no packages. TLS ends at the web server in front of it.
declare(strict_types=1);

const MAX_BYTES = 2 * 1024 * 1024;
const TOLERANCE_SECONDS = 300;

// While you replace a secret, set both, separated by a comma: new,old
$clientSecrets = list_of('CLIENT_SECRET');
// whsec_…, if you verify signatures
$signingSecrets = list_of('SIGNING_SECRET');

if ($clientSecrets === []) {
    error_log('Set CLIENT_SECRET.');
    respond(500);
    exit;
}
if (preg_grep('/\Awhsec_[A-Za-z0-9+\/]{32,}={0,2}\z/', $signingSecrets, PREG_GREP_INVERT) !== []) {
    error_log('Copy SIGNING_SECRET whole.');
    respond(500);
    exit;
}

try {
    // The bytes as they came: a parser would change what is signed.
    $body = (string) file_get_contents('php://input', length: MAX_BYTES + 1);
    $id = header_of('webhook-id');
    $status = match (true) {
        $_SERVER['REQUEST_METHOD'] !== 'POST' => 405,
        !has_token($clientSecrets) => 401,
        strlen($body) > MAX_BYTES => 413,
        !is_signed($body, $signingSecrets) => 401,
        // Sent by hand, to see whether it arrives: nothing is to be done.
        header_of('X-Posthorn-Test') === 'true' => 204,
        preg_match('/\A[A-Za-z0-9_-]{1,64}\z/', $id) !== 1 => 400,
        default => null,
    };
    $is_new = $status === null && store($id, $body);
    // Respond first, work afterwards: the sender waits for 15 seconds only.
    respond($status ?? 204);
    if ($status === 204) {
        error_log('Accepted a test event.');
    }
    if ($is_new) {
        handle($id, json_decode($body, true, flags: JSON_THROW_ON_ERROR));
    }
} catch (Throwable $error) {
    error_log((string) $error);
    // Whatever isn't 2xx is sent again later.
    respond(500);
}

function handle(string $id, array $payload): void
{
    error_log($id . ' ' . json_encode($payload['CoverId'] ?? null));
}

/**
 * Stores the event under its id. False if it is there already: an event can arrive twice. In production, use your
 * database: INSERT INTO events (id, payload) VALUES (?, ?) ON CONFLICT (id) DO NOTHING
 */
function store(string $id, string $body): bool
{
    // Not in the folder that the web server serves.
    $folder = dirname(__DIR__) . '/events';
    if (!is_dir($folder) && !@mkdir($folder, 0700) && !is_dir($folder)) {
        throw new RuntimeException('The folder for events cannot be made.');
    }
    $stored = "$folder/$id.json";
    $draft = "$folder/." . bin2hex(random_bytes(16));
    try {
        $file = fopen($draft, 'xb');
        if ($file === false || fwrite($file, $body) !== strlen($body) || !fsync($file) || !fclose($file)) {
            throw new RuntimeException('The event cannot be stored.');
        }
        if (@link($draft, $stored)) {
            return true;
        }
        clearstatcache();
        if (file_exists($stored)) {
            return false;
        }
        throw new RuntimeException('The event cannot be stored.');
    } finally {
        @unlink($draft);
    }
}

function has_token(array $secrets): bool
{
    return preg_match('/\Abearer +(\S+)\z/i', header_of('Authorization'), $match) === 1
        && is_one_of($match[1], $secrets);
}

function is_signed(string $body, array $secrets): bool
{
    if ($secrets === []) {
        return true;
    }
    $timestamp = header_of('webhook-timestamp');
    if (preg_match('/\A[0-9]{1,12}\z/', $timestamp) !== 1 || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $signed = header_of('webhook-id') . ".$timestamp.$body";
    $expected = array_map(function (string $secret) use ($signed): string {
        $key = base64_decode(substr($secret, strlen('whsec_')), true);
        return 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    }, $secrets);
    foreach (array_slice(explode(' ', header_of('webhook-signature')), 0, 16) as $signature) {
        if (is_one_of($signature, $expected)) {
            return true;
        }
    }
    return false;
}

/** Compares digests, and all of them: the time it takes says nothing about a secret. */
function is_one_of(string $text, array $expected): bool
{
    $is_found = false;
    foreach ($expected as $one) {
        $is_found = hash_equals(hash('sha256', $one), hash('sha256', $text)) || $is_found;
    }
    return $is_found;
}

/** Some web servers keep Authorization from $_SERVER, but not from getallheaders(). */
function header_of(string $name): string
{
    $all = array_change_key_case(getallheaders());
    return $all[strtolower($name)] ?? '';
}

function respond(int $status): void
{
    if (headers_sent()) {
        return;
    }
    http_response_code($status);
    header('Content-Length: 0');
    ignore_user_abort(true);
    if (function_exists('fastcgi_finish_request')) {
        fastcgi_finish_request();
    } else {
        flush();
    }
}

/** @return string[] */
function list_of(string $name): array
{
    return array_values(array_filter(explode(',', (string) getenv($name)), fn (string $one) => $one !== ''));
}
