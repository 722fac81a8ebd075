#!/bin/sh
# Makes the secrets of both Compose files in the folder `secrets` next to this script: random keys, a random password.
# What is there already stays. Keep a copy of the folder, apart from your backups: without its encryption key, the
# secrets in a backup are lost.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
random_base64() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

# Written whole, or not at all. Readable for the container's user, who is none of this machine's: the folder itself is
# closed to everyone but you.
keep() {
  if [ -e "secrets/$1" ]; then return; fi
  cat > "secrets/$1.part"
  chmod 444 "secrets/$1.part"
  mv "secrets/$1.part" "secrets/$1"
  echo "made deploy/compose/secrets/$1"
}

random_hex 24 | keep postgres-password

keep embedded.json << END
{
  "apiKey": "$(random_hex 32)",
  "encryptionKey": "$(random_base64 32)"
}
END

keep postgresql.json << END
{
  "databaseUrl": "postgres://posthorn:$(cat secrets/postgres-password)@postgres:5432/posthorn",
  "apiKey": "$(random_hex 32)",
  "encryptionKey": "$(random_base64 32)"
}
END
