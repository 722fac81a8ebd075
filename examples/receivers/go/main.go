// Receives webhooks: checks the bearer token and the signature, and processes each event once.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const maxBytes = 2 << 20

func main() {
	receiver := &receiver{clientSecrets: secretsIn("CLIENT_SECRET"), inbox: newInbox()}
	for _, secret := range secretsIn("SIGNING_SECRET") {
		webhook, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			log.Fatal("Copy SIGNING_SECRET whole.")
		}
		receiver.webhooks = append(receiver.webhooks, webhook)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /webhooks", receiver)
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	server := &http.Server{Addr: ":" + port, Handler: mux, ReadTimeout: 30 * time.Second}
	if certificate := os.Getenv("TLS_CERT"); certificate != "" {
		log.Fatal(server.ListenAndServeTLS(certificate, os.Getenv("TLS_KEY")))
	}
	// TLS ends at the proxy in front of it.
	log.Fatal(server.ListenAndServe())
}

type receiver struct {
	clientSecrets []string
	webhooks      []*standardwebhooks.Webhook
	inbox         *inbox
}

func (receiver *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(receiver.receive(w, r))
}

// receive returns the status to respond with. Whatever isn't 2xx is sent again later.
func (receiver *receiver) receive(w http.ResponseWriter, r *http.Request) int {
	if !receiver.hasToken(r.Header.Get("Authorization")) {
		return http.StatusUnauthorized
	}
	// The bytes as they came, since the signature covers them.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return http.StatusBadRequest
	}
	if !receiver.isSigned(body, r.Header) {
		return http.StatusUnauthorized
	}
	// The package json puts U+FFFD in place of what isn't UTF-8.
	if !json.Valid(body) || !utf8.Valid(body) {
		return http.StatusBadRequest
	}
	// A test request has no event behind it.
	if r.Header.Get("X-Posthorn-Test") == "true" {
		return http.StatusNoContent
	}
	id := r.Header.Get("webhook-id")
	isNew, err := receiver.inbox.store(id, body)
	if err != nil {
		log.Print(id, ": ", err)
		return http.StatusInternalServerError
	}
	if isNew {
		// Respond first, work afterwards: the sender waits for 15 seconds only.
		go process(id, body)
	}
	return http.StatusNoContent
}

// process ignores members and types of events that it doesn't know: your provider can add some.
func process(id string, body []byte) {
	var payload bytes.Buffer
	if err := json.Compact(&payload, body); err != nil {
		log.Print(id, ": ", err)
		return
	}
	fmt.Println(id, payload.String())
}

func (receiver *receiver) hasToken(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "Bearer") && isOneOf(strings.Trim(token, " "), receiver.clientSecrets)
}

// isSigned also refuses a timestamp that is more than five minutes away.
func (receiver *receiver) isSigned(body []byte, header http.Header) bool {
	for _, webhook := range receiver.webhooks {
		if webhook.Verify(body, header) == nil {
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

// secretsIn reads one secret, or two while you replace one, separated by a comma: new,old
func secretsIn(name string) []string {
	secrets := strings.FieldsFunc(os.Getenv(name), func(r rune) bool { return r == ',' })
	if len(secrets) == 0 {
		log.Fatalf("Set %s.", name)
	}
	return secrets
}
