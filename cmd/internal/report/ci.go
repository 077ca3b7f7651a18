package report

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// CI systems tell a job about itself in the environment:
//
//	GitHub Actions   GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_SHA, GITHUB_WORKSPACE; GITHUB_STEP_SUMMARY
//	GitLab CI        CI_PROJECT_URL, CI_COMMIT_SHA, CI_PROJECT_DIR

// variable returns a variable of an environment; "" if it is not set. The last value counts.
func variable(environ []string, name string) (value string) {
	for _, e := range environ {
		if text, is := strings.CutPrefix(e, name+"="); is {
			value = text
		}
	}
	return value
}

// summaryVariable names the file in which GitHub Actions collects the summary of a step.
const summaryVariable = "GITHUB_STEP_SUMMARY"

// openReport returns the file of a report. The summary of a step may have lines, which stay.
func openReport(path string, environ []string) (files.File, error) {
	summary := variable(environ, summaryVariable)
	if t, ok := files.FileTarget(files.ReportFlag, path); ok && summary != "" && t.Is(summary) {
		return files.Appended(path)
	}
	return files.Replaced(path)
}

// repository tells where the lines of files are shown.
type repository struct {
	commit string // the address of the files of a commit; "" is a relative one
	root   string // the directory of the repository
}

// newRepository returns the repository of a job. Without a job, addresses are relative to the
// working directory.
func newRepository(environ []string) repository {
	of := func(name string) string { return variable(environ, name) }
	server, name, sha := of("GITHUB_SERVER_URL"), of("GITHUB_REPOSITORY"), of("GITHUB_SHA")
	if isWeb(server) && name != "" && sha != "" {
		return repository{server + "/" + escape(name) + "/blob/" + escape(sha) + "/", of("GITHUB_WORKSPACE")}
	}
	if project, sha := of("CI_PROJECT_URL"), of("CI_COMMIT_SHA"); isWeb(project) && sha != "" {
		return repository{project + "/-/blob/" + escape(sha) + "/", of("CI_PROJECT_DIR")}
	}

	return repository{}
}

// isWeb reports whether a text is the address of a server for browsers.
func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// link returns the address of a line; "" for a file that is not in the repository.
func (r repository) link(file string, line int) string {
	if file == "" || file == files.StdinName || strings.Contains(file, "://") {
		return ""
	}

	if r.root != "" {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return ""
		}
		if file, err = filepath.Rel(r.root, absolute); err != nil {
			return ""
		}
	}

	if !filepath.IsLocal(file) {
		return ""
	}

	link := r.commit + escape(filepath.ToSlash(filepath.Clean(file)))
	if line > 0 {
		link += "#L" + strconv.Itoa(line)
	}

	return link
}

// escape returns a path as that of an address. A colon in its first segment would begin a scheme.
func escape(path string) string {
	return strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), ":", "%3A")
}
