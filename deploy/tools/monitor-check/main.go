// Command monitor-check reads a ServiceMonitor from standard input, as YAML, into the type that Prometheus' operator
// itself uses. It fails for a field that the type doesn't have, and for a value that the field can't take.
package main

import (
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var monitor monitoring.ServiceMonitor
	if err := yaml.UnmarshalStrict(text, &monitor); err != nil {
		return err
	}
	if monitor.Kind != monitoring.ServiceMonitorsKind {
		return fmt.Errorf("%q is not a %s", monitor.Kind, monitoring.ServiceMonitorsKind)
	}
	return nil
}
