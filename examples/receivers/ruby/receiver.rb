# frozen_string_literal: true

require 'json'
require 'openssl'
require_relative 'inbox'

# Receives webhooks: checks the bearer token and the signature, and processes each event once. It is a Rack application,
# so Rails takes it too, in config/routes.rb: mount Receiver.new(client_secrets:, signing_secrets:) => '/webhooks'
class Receiver
  MAX_BYTES = 2 * 1024 * 1024
  TOLERANCE_SECONDS = 300

  def initialize(client_secrets:, signing_secrets:)
    @client_secrets = client_secrets
    @keys = signing_secrets.map { |secret| secret.delete_prefix('whsec_').unpack1('m0') }
    @inbox = Inbox.new
    @work = Queue.new
    Thread.new { loop { process(*@work.pop) } }
  end

  def call(env)
    [receive(env), {}, []]
  rescue StandardError => e
    warn e.full_message
    [500, {}, []] # Whatever isn't 2xx is sent again later.
  end

  private

  def receive(env)
    return 404 unless ['', '/'].include?(env['PATH_INFO'])
    return 405 unless env['REQUEST_METHOD'] == 'POST'
    return 401 unless token?(header(env, 'HTTP_AUTHORIZATION'))

    # The bytes as they came: a parser would change what is signed.
    body = env['rack.input'].read(MAX_BYTES + 1) || String.new
    return 413 if body.bytesize > MAX_BYTES
    return 401 unless signed?(env, body)

    body.force_encoding(Encoding::UTF_8)
    return 400 unless body.valid_encoding?

    accept(env, JSON.parse(body))
  rescue JSON::ParserError
    400
  end

  def accept(env, payload)
    # A test request has no event behind it.
    return 204 if header(env, 'HTTP_X_POSTHORN_TEST') == 'true'

    id = header(env, 'HTTP_WEBHOOK_ID')
    # Respond first, work afterwards: the sender waits for 15 seconds only.
    @work << [id, payload] if @inbox.store(id, payload)
    204
  end

  # Ignores members and types of events that it doesn't know: your provider can add some.
  def process(id, payload)
    $stdout.write("#{id} #{JSON.generate(payload)}\n")
    $stdout.flush
  rescue StandardError => e
    warn e.full_message
  end

  def token?(authorization)
    token = authorization[/\Abearer +(\S+)\z/i, 1]
    !token.nil? && one_of?(token, @client_secrets)
  end

  # As https://www.standardwebhooks.com defines it. Its gem `standardwebhooks` (Ruby 3.3 or later) does the same.
  def signed?(env, body)
    id = header(env, 'HTTP_WEBHOOK_ID')
    timestamp = header(env, 'HTTP_WEBHOOK_TIMESTAMP')
    return false unless timestamp.match?(/\A[0-9]{1,12}\z/)
    return false if id.empty? || (Time.now.to_i - timestamp.to_i).abs > TOLERANCE_SECONDS

    content = "#{id}.#{timestamp}.#{body}"
    expected = @keys.map { |key| "v1,#{[OpenSSL::HMAC.digest('SHA256', key, content)].pack('m0')}" }
    header(env, 'HTTP_WEBHOOK_SIGNATURE').split.first(16).any? { |signature| one_of?(signature, expected) }
  end

  # As bytes, since a header need not be UTF-8.
  def header(env, name)
    env[name].to_s.b
  end

  # Compares digests, and all of them: the time it takes says nothing about a secret.
  def one_of?(text, expected)
    digest = OpenSSL::Digest.digest('SHA256', text)
    expected.count { |one| OpenSSL.fixed_length_secure_compare(digest, OpenSSL::Digest.digest('SHA256', one)) }.positive?
  end
end
