package com.example.receiver;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** Receives webhooks: checks the bearer token and the signature, and processes each event once. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class ReceiverApplication {
  public static void main(String[] args) {
    SpringApplication.run(ReceiverApplication.class, args);
  }
}
