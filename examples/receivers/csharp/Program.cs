// Receives COVER_REFERENCE. .NET 8 or later, no packages: Program.cs of `dotnet new web`. TLS ends at the proxy in
// front of it.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

const int MaxBytes = 2 * 1024 * 1024;
const int ToleranceSeconds = 300;

// While you replace a secret, set both, separated by a comma: new,old
var clientSecrets = ListOf("CLIENT_SECRET");
// whsec_…, if you verify signatures
var signingSecrets = ListOf("SIGNING_SECRET");
if (clientSecrets.Length == 0) throw new InvalidOperationException("Set CLIENT_SECRET.");
if (!signingSecrets.All(one => Regex.IsMatch(one, @"\Awhsec_[A-Za-z0-9+/]{32,}={0,2}\z")))
{
    throw new InvalidOperationException("Copy SIGNING_SECRET whole.");
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MaxBytes);
builder.WebHost.UseUrls($"http://*:{Environment.GetEnvironmentVariable("PORT") ?? "9000"}");
var app = builder.Build();

app.MapPost("/{**path}", async (HttpRequest request) =>
{
    if (!HasToken(request.Headers)) return Results.StatusCode(401);
    // The bytes as they came: a parser would change what is signed.
    using var buffer = new MemoryStream();
    await request.Body.CopyToAsync(buffer);
    var body = buffer.ToArray();
    if (!IsSigned(request.Headers, body)) return Results.StatusCode(401);
    // Sent by hand, to see whether it arrives: nothing is to be done.
    if (request.Headers["X-Posthorn-Test"] == "true")
    {
        app.Logger.LogInformation("Accepted a test event.");
        return Results.NoContent();
    }
    var id = request.Headers["webhook-id"].ToString();
    if (!Regex.IsMatch(id, @"\A[A-Za-z0-9_-]{1,64}\z")) return Results.BadRequest();
    // Respond first, work afterwards: the sender waits for 15 seconds only. Whatever isn't 2xx is sent again later.
    if (await Store(id, body)) _ = Task.Run(() => Handle(id, body));
    return Results.NoContent();
});

app.Run();

void Handle(string id, byte[] body)
{
    try
    {
        using var payload = JsonDocument.Parse(body);
        app.Logger.LogInformation("{Id} {Value}", id, payload.RootElement.GetProperty("CoverId"));
    }
    catch (Exception error)
    {
        app.Logger.LogError(error, "{Id} is stored, but could not be processed", id);
    }
}

// Stores the event under its id. False if it is there already: an event can arrive twice. In production, use your
// database: INSERT INTO events (id, payload) VALUES (@id, @payload) ON CONFLICT (id) DO NOTHING
static async Task<bool> Store(string id, byte[] body)
{
    Directory.CreateDirectory("events");
    var draft = Path.Combine("events", $".{Guid.NewGuid()}");
    var stored = Path.Combine("events", $"{id}.json");
    try
    {
        await using (var file = new FileStream(draft, FileMode.CreateNew))
        {
            await file.WriteAsync(body);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, stored, overwrite: false);
        return true;
    }
    catch (IOException) when (File.Exists(stored))
    {
        return false;
    }
    finally
    {
        File.Delete(draft);
    }
}

bool HasToken(IHeaderDictionary headers)
{
    var match = Regex.Match(headers.Authorization.ToString(), @"(?i)\Abearer +(\S+)\z");
    return match.Success && IsOneOf(match.Groups[1].Value, clientSecrets);
}

bool IsSigned(IHeaderDictionary headers, byte[] body)
{
    if (signingSecrets.Length == 0) return true;
    var timestamp = headers["webhook-timestamp"].ToString();
    if (!Regex.IsMatch(timestamp, @"\A[0-9]{1,12}\z")) return false;
    var age = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(timestamp);
    if (Math.Abs(age) > ToleranceSeconds) return false;
    byte[] signed = [.. Encoding.UTF8.GetBytes($"{headers["webhook-id"]}.{timestamp}."), .. body];
    var expected = signingSecrets.Select(secret =>
    {
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }).ToArray();
    return headers["webhook-signature"].ToString().Split(' ', 16).Any(signature => IsOneOf(signature, expected));
}

// Compares digests, and all of them: the time it takes says nothing about a secret.
static bool IsOneOf(string text, string[] expected)
{
    var digest = SHA256.HashData(Encoding.UTF8.GetBytes(text));
    var isFound = false;
    foreach (var one in expected)
    {
        isFound |= CryptographicOperations.FixedTimeEquals(digest, SHA256.HashData(Encoding.UTF8.GetBytes(one)));
    }
    return isFound;
}

static string[] ListOf(string name) =>
    (Environment.GetEnvironmentVariable(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
