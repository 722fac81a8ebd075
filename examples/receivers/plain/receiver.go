// Receives COVER_REFERENCE. Go 1.21 or later, no modules. TLS ends at the proxy in front of it.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxBytes  = 2 << 20
	tolerance = 300 * time.Second
)

var (
	// While you replace a secret, set both, separated by a comma: new,old
	clientSecrets = listOf(os.Getenv("CLIENT_SECRET"))
	// whsec_…, if you verify signatures
	signingSecrets = listOf(os.Getenv("SIGNING_SECRET"))

	bearer  = regexp.MustCompile(`(?i)^bearer +(\S+)$`)
	eventID = regexp.MustCompile(`^[\w-]{1,64}$`)
	signing = regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{32,}={0,2}$`)
)

func main() {
	if len(clientSecrets) == 0 {
		log.Fatal("Set CLIENT_SECRET.")
	}
	for _, secret := range signingSecrets {
		if !signing.MatchString(secret) {
			log.Fatal("Copy SIGNING_SECRET whole.")
		}
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	server := &http.Server{Addr: ":" + port, Handler: http.HandlerFunc(receive), ReadTimeout: 30 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func receive(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if !hasToken(r.Header) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !isSigned(r.Header, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	// Sent by hand, to see whether it arrives: nothing is to be done.
	if r.Header.Get("X-Posthorn-Test") == "true" {
		log.Print("Accepted a test event.")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	id := r.Header.Get("webhook-id")
	if !eventID.MatchString(id) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	isNew, err := store(id, body)
	if err != nil {
		log.Print(err)
		// Whatever isn't 2xx is sent again later.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	// Respond first, work afterwards: the sender waits for 15 seconds only.
	w.WriteHeader(http.StatusNoContent)
	if isNew {
		go handle(id, body)
	}
}

func handle(id string, body []byte) {
	var payload map[string]any
	if err := json.Unmarshal(body, &payload); err != nil {
		log.Print(id, ": ", err)
		return
	}
	log.Print(id, " ", payload["CoverId"])
}

// store keeps the event under its id. It returns false if the event is there already: an event can arrive twice.
// In production, use your database: INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
func store(id string, body []byte) (bool, error) {
	if err := os.MkdirAll("events", 0o700); err != nil {
		return false, err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return false, err
	}
	draft := filepath.Join("events", "."+hex.EncodeToString(random))
	defer os.Remove(draft)
	if err := write(draft, body); err != nil {
		return false, err
	}
	err := os.Link(draft, filepath.Join("events", id+".json"))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func write(name string, body []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	return errors.Join(err, file.Sync(), file.Close())
}

func hasToken(header http.Header) bool {
	match := bearer.FindStringSubmatch(header.Get("Authorization"))
	return match != nil && isOneOf(match[1], clientSecrets)
}

func isSigned(header http.Header, body []byte) bool {
	if len(signingSecrets) == 0 {
		return true
	}
	timestamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	var expected []string
	for _, secret := range signingSecrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			log.Print("SIGNING_SECRET is not Base64.")
			return false
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(header.Get("webhook-id") + "." + timestamp + "."))
		mac.Write(body)
		expected = append(expected, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	for _, signature := range strings.SplitN(header.Get("webhook-signature"), " ", 16) {
		if isOneOf(signature, expected) {
			return true
		}
	}
	return false
}

// isOneOf compares digests, and all of them: the time it takes says nothing about a secret.
func isOneOf(text string, expected []string) bool {
	digest := sha256.Sum256([]byte(text))
	found := 0
	for _, one := range expected {
		other := sha256.Sum256([]byte(one))
		found |= subtle.ConstantTimeCompare(digest[:], other[:])
	}
	return found == 1
}

func listOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
