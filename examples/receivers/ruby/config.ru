# frozen_string_literal: true

require_relative 'receiver'

# While you replace a secret, set both, separated by a comma: new,old
secrets_in = lambda do |name|
  secrets = ENV.fetch(name, '').split(',').reject(&:empty?)
  abort "Set #{name}." if secrets.empty?
  secrets
end

map('/webhooks') do
  run Receiver.new(client_secrets: secrets_in['CLIENT_SECRET'], signing_secrets: secrets_in['SIGNING_SECRET'])
end
