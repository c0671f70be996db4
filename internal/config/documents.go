package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeadmscheme "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"
	"k8s.io/kubernetes/cmd/kubeadm/app/componentconfigs"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/config/strict"
	"sigs.k8s.io/yaml"
)

// The kinds of documents that a configuration may hold, at most one of each.
const (
	kindInit        = "InitConfiguration"
	kindCluster     = "ClusterConfiguration"
	kindKubelet     = "KubeletConfiguration"
	kindKubeProxy   = "KubeProxyConfiguration"
	kindDockernetes = "Dockernetes"
)

// kinds are all of them, in the order in which messages list them.
var kinds = []struct{ kind, apiVersion string }{
	{kindCluster, "kubeadm.k8s.io/v1beta4"},
	{kindInit, "kubeadm.k8s.io/v1beta4"},
	{kindKubelet, "kubelet.config.k8s.io/v1beta1"},
	{kindKubeProxy, "kubeproxy.config.k8s.io/v1alpha1"},
	{kindDockernetes, "dockernetes.dev/v1alpha1"},
}

// document is one YAML document of a configuration.
type document struct {
	kind  string
	where string // for messages: the source, the number and the line
	body  map[string]any
}

// documents are those of a configuration by their kind.
type documents map[string]document

// parse splits text into its documents and checks each against its type, so
// that a misspelt field is an error and no silence.
func parse(source string, text []byte) (documents, error) {
	docs := documents{}
	line := 1
	for i, part := range split(text) {
		where := fmt.Sprintf("%s, document %d (from line %d)", source, i+1, line)
		line += bytes.Count(part, []byte("\n"))
		doc, err := parseOne(where, part)
		if err != nil {
			return nil, err
		}
		if doc.body == nil {
			continue // only comments
		}
		if first, twice := docs[doc.kind]; twice {
			return nil, fmt.Errorf("cannot use %s: there is a second %s, the first is %s; merge the two into one", where, doc.kind, first.where)
		}
		docs[doc.kind] = doc
	}
	return docs, nil
}

// split cuts text at the lines that separate YAML documents and keeps these
// lines, so that lines can be counted.
func split(text []byte) [][]byte {
	var parts [][]byte
	var part []byte
	for l := range bytes.Lines(text) {
		separator := bytes.HasPrefix(l, []byte("---")) && len(bytes.TrimSpace(l[3:])) == 0
		if separator && len(part) > 0 {
			parts = append(parts, part)
			part = nil
		}
		part = append(part, l...)
	}
	return append(parts, part)
}

func parseOne(where string, text []byte) (document, error) {
	doc := document{where: where}
	if err := yaml.UnmarshalStrict(text, &doc.body); err != nil {
		return doc, fmt.Errorf("cannot read %s: it is not a YAML document of fields and values: %w", where, trimmed(err))
	}
	if doc.body == nil {
		return doc, nil
	}
	apiVersion, _ := doc.body["apiVersion"].(string)
	doc.kind, _ = doc.body["kind"].(string)
	i := slices.IndexFunc(kinds, func(k struct{ kind, apiVersion string }) bool { return k.kind == doc.kind })
	if i < 0 {
		return doc, fmt.Errorf("cannot use %s: kind is %q; it has to be one of %s", where, doc.kind, knownKinds())
	}
	if apiVersion != kinds[i].apiVersion {
		return doc, fmt.Errorf("cannot use %s: apiVersion of this %s is %q; it has to be %s", where, doc.kind, apiVersion, kinds[i].apiVersion)
	}
	if err := checkFields(doc, text); err != nil {
		return doc, fmt.Errorf("cannot use %s: %s: %w; correct it or remove it", where, doc.kind, trimmed(err))
	}
	return doc, nil
}

// checkFields refuses fields that doc's type does not have and values of
// another type.
func checkFields(doc document, text []byte) error {
	if doc.kind == kindDockernetes {
		return yaml.UnmarshalStrict(text, &Dockernetes{})
	}
	gv, err := schema.ParseGroupVersion(doc.body["apiVersion"].(string))
	if err != nil {
		return err
	}
	return strict.VerifyUnmarshalStrict([]*runtime.Scheme{kubeadmscheme.Scheme, componentconfigs.Scheme}, gv.WithKind(doc.kind), text)
}

// trimmed returns the last part of err's message: what comes before it names
// packages and Go types.
func trimmed(err error) error {
	text := err.Error()
	for _, noise := range []string{"strict decoding error: ", "error unmarshaling JSON: ", "while decoding JSON: ", "error converting YAML to JSON: ", "yaml: "} {
		if _, after, found := strings.Cut(text, noise); found {
			text = after
		}
	}
	return errors.New(text)
}

func knownKinds() string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, k.kind+" ("+k.apiVersion+")")
	}
	return strings.Join(names, ", ")
}

// decode fills into, whose fields have been checked before.
func (d document) decode(into any) error {
	text, err := yaml.Marshal(d.body)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", d.where, err)
	}
	return yaml.Unmarshal(text, into)
}

// kubeadm returns the documents that kubeadm's loader takes, as one text.
func (d documents) kubeadm() ([]byte, error) {
	var all []byte
	for _, k := range kinds {
		doc, there := d[k.kind]
		if !there || k.kind == kindDockernetes {
			continue
		}
		text, err := yaml.Marshal(doc.body)
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", doc.where, err)
		}
		all = append(append(all, "---\n"...), text...)
	}
	return all, nil
}
