package config

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rollcall/internal/secret"
)

// A line that may hold a secret is never printed, whatever else is wrong with
// it. Two looks find such lines: one at the text, which also works where the
// file is no YAML, and one at the nodes, which is not deceived by style.

var (
	// secretKey finds a key whose value is a secret. What follows it is fine
	// where it is a reference.
	secretKey = regexp.MustCompile(`(?i)(?:^|[\s{,"'?-])["']?((?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|passwort|pwd|secret|token|key|ping_url|pas+w?o?r?d?|secre?ts?|tok[ae]?n))["']?\s*:(.*)$`)
	reference = regexp.MustCompile(`^\s*\{\s*["']?(?:(?:file|credential)["']?\s*:[^,{}]*|env["']?\s*:\s*["']?[A-Za-z_][A-Za-z0-9_]*["']?\s*)\}\s*(?:[,}\]\s].*)?$`)
	fieldName = regexp.MustCompile(`^\s*["']?[a-z_.]{0,40}["']?\s*(?:[,}#].*)?$`)
	inURL     = regexp.MustCompile(`://[^\s"']*:[^"']*@|[^\s"':]:[^\s"':@]+@|(?i)(?:password|passwd|pwd)\s*=`)
	matchKey  = regexp.MustCompile(`(?:^|[{,\s])match\s*:`)
)

// longLine is more than anybody reads; longer lines are not shown.
const longLine = 4096

// secretLines finds them in the text: the line of the key and every line below
// it that is indented more. A key of match, by: key and the like hold no secret.
func secretLines(lines []string) map[int]bool {
	hidden := map[int]bool{}
	under := -1 // indentation of the secret's key
	block := "" // the key at the left margin
	for i, line := range lines {
		if len(line) > longLine {
			hidden[i+1] = true
			continue
		}
		text := strings.TrimLeft(line, " \t")
		indent := len(line) - len(text)
		if indent == 0 && text != "" && text[0] != '#' {
			block, _, _ = strings.Cut(text, ":")
		}
		if under >= 0 && (text == "" || indent > under) {
			hidden[i+1] = true
			continue
		}
		under = -1
		if inURL.MatchString(line) {
			hidden[i+1] = true
		}
		if secretIn(line, block) {
			hidden[i+1] = true
			under = indent
		}
	}
	return hidden
}

// secretIn looks at each secret key of a line.
func secretIn(line, block string) bool {
	for rest := line; ; {
		m := secretKey.FindStringSubmatchIndex(rest)
		if m == nil {
			return false
		}
		key, value := rest[m[2]:m[3]], rest[m[4]:m[5]]
		ours := strings.EqualFold(key, "key") && (block == "match" || matchKey.MatchString(line[:len(line)-len(value)])) && fieldName.MatchString(value)
		ours = ours || strings.EqualFold(key, previousKey)
		if !ours && !reference.MatchString(value) && strings.TrimSpace(value) != "" {
			return true
		}
		rest = value
	}
}

// previousKey is a column of map:, and no secret.
const previousKey = "previous_key"

// secretNames are the last words of keys that hold secrets.
var secretNames = []string{"password", "passwd", "passphrase", "passwort", "pwd", "secret", "token", "key", "ping_url"}

// isSecretKey tells whether a key, in the block named parent, holds a secret.
func isSecretKey(key, parent string) bool {
	key = strings.ToLower(key)
	if key == previousKey || key == "key" && parent == "match" {
		return false
	}
	return slices.ContainsFunc(secretNames, func(n string) bool {
		return key == n || strings.HasSuffix(key, "_"+n) || strings.HasSuffix(key, "-"+n)
	})
}

// hideSecrets finds them in the nodes.
func (d *document) hideSecrets(root *yaml.Node) {
	var flat []*yaml.Node // in the order of the text
	var walk func(n *yaml.Node, depth int)
	walk = func(n *yaml.Node, depth int) {
		if depth > maxDepth || len(flat) > maxNodes {
			return // refused for that
		}
		flat = append(flat, n)
		for _, c := range n.Content {
			walk(c, depth+1)
		}
	}
	walk(root, 0)
	next := map[*yaml.Node]int{} // the line on which the text goes on
	for i, n := range flat {
		next[n] = len(d.lines) + 1
		if i+1 < len(flat) {
			next[n] = flat[i+1].Line
		}
	}
	hideNode := func(n *yaml.Node) {
		for line := n.Line; line <= n.Line || line < next[n]; line++ {
			d.hidden[line] = true
		}
	}
	targets := map[*yaml.Node]bool{}
	var hideAll func(n *yaml.Node, depth int)
	hideAll = func(n *yaml.Node, depth int) {
		if _, seen := next[n]; !seen || depth > maxDepth {
			return
		}
		hideNode(n)
		if n.Alias != nil && !targets[n.Alias] {
			targets[n.Alias] = true
			hideAll(n.Alias, maxDepth)
		}
		for _, c := range n.Content {
			hideAll(c, depth+1)
		}
	}
	var look func(n *yaml.Node, parent string, depth int)
	look = func(n *yaml.Node, parent string, depth int) {
		if _, seen := next[n]; !seen {
			return
		}
		if n.Kind == yaml.ScalarNode && inURL.MatchString(n.Value) {
			hideNode(n)
		}
		for i, c := range n.Content {
			name := parent
			if n.Kind == yaml.MappingNode && i%2 == 1 {
				name = n.Content[i-1].Value
				if isSecretKey(name, parent) && !isReference(c) {
					hideNode(n.Content[i-1])
					hideAll(c, 0)
				}
			}
			look(c, name, depth+1)
		}
	}
	look(root, "", 0)
}

// isReference tells whether n is nothing but {file: …}, {env: …} or {credential: …}.
func isReference(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if !slices.Contains([]string{"file", "env", "credential"}, key) || value.Kind != yaml.ScalarNode {
			return false
		}
		if key == "env" && (secret.Ref{Env: value.Value}).Validate() != nil {
			return false
		}
	}
	return true
}
