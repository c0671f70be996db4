# Dockernetes: a whole Kubernetes in one container. "make" lists what there is.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help
# go build uses all processors by itself.
.NOTPARALLEL:

ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error this needs GNU make 4.3 or later, and this is $(MAKE_VERSION))
endif

BUILD := .build
BIN   := $(BUILD)/bin

# What is built, and its versions: ours from VERSION, the others' from the go.mod
# that pins each.
version-of = $(subst +incompatible,,$(shell sed -n 's|.*[[:space:]]$(2) \(v[^ ]*\).*|\1|p' $(1)/go.mod))

VERSION    := v$(shell cat VERSION)
KUBERNETES := $(call version-of,.,k8s.io/kubernetes)
ETCD       := $(call version-of,components/etcd,go.etcd.io/etcd/server/v3)
CONTAINERD := $(call version-of,components/containerd,github.com/containerd/containerd/v2)
RUNC       := $(call version-of,components/runc,github.com/opencontainers/runc)
MOBY       := $(call version-of,components/moby,github.com/moby/moby/v2)
DOCKER     := $(call version-of,components/docker-cli,github.com/docker/cli)
BUILDX     := $(call version-of,components/buildx,github.com/docker/buildx)
COREDNS    := $(call version-of,components/coredns,github.com/coredns/coredns)
CNI        := $(call version-of,components/cni,github.com/containernetworking/plugins)
export VERSION KUBERNETES ETCD CONTAINERD RUNC MOBY DOCKER BUILDX COREDNS CNI

# To be changed on the command line: make up PORT=16443.
IMAGE := lyft/dockernetes
TAG   := $(patsubst v%,%,$(KUBERNETES))-$(VERSION)
NAME  := dockernetes
PORT  := 6443
export IMAGE TAG NAME PORT

ENGINE   := containerd containerd-shim-runc-v2 ctr runc dockerd docker-proxy docker
PLUGINS  := bridge host-local loopback portmap ptp
PROGRAMS := kubernetes etcd $(ENGINE) docker-buildx coredns pause dnetinit $(addprefix cni/,$(PLUGINS))

##@ The cluster

.PHONY: up
up: deps image ## start a cluster: builds what is missing, and an engine where none answers
	@hack/cluster up

.PHONY: down
down: ## remove the cluster and its volumes
	@hack/cluster down

.PHONY: shell
shell: ## a shell in the cluster's container, with kubectl and docker
	@hack/cluster shell

.PHONY: logs
logs: ## follow what the cluster's container says
	@hack/cluster logs

##@ Building

.PHONY: build
build: $(addprefix $(BIN)/,$(PROGRAMS)) $(BUILD)/images/coredns.tar ## every program that goes into the image (a quarter of an hour at first, seconds then)

.PHONY: image
image: build engine ## the image lyft/dockernetes:<kubernetes>-v<version>, and :latest
	@hack/image build

.PHONY: image-size
image-size: image ## what each part of the image weighs, and the whole compressed
	@hack/image size

.PHONY: deps
deps: ## install what the build needs from Debian's packages, saying so
	@hack/deps build
	@hack/engine env >/dev/null 2>&1 || hack/deps engine

.PHONY: engine
engine: ## start the project's own Docker engine, where none answers
	@hack/engine env >/dev/null 2>&1 || $(MAKE) --silent $(addprefix $(BIN)/,$(ENGINE))
	@hack/engine up

.PHONY: engine-down
engine-down: ## stop that engine again; PURGE=1 removes its images too
	@hack/engine down

.PHONY: clean
clean: engine-down ## remove all that was built (Go's build cache stays)
	rm -rf $(BUILD)

##@ Checking

.PHONY: test
test: ## lint, unit tests, and tests against a real cluster; installs what it needs
	@hack/test

.PHONY: test-vm
test-vm: image ## test/host in a virtual machine with cgroup v2; TESTS=… chooses, as go test -run
	@hack/vm $(if $(TESTS),'$(TESTS)')

.PHONY: unit
unit: ## only the unit tests, with the race detector
	@hack/test unit

.PHONY: fuzz
fuzz: ## every fuzz target for a while (FUZZ_TIME=30s of each)
	@hack/fuzz

.PHONY: soak
soak: ## the long forms of the fault tests (SOAK_TIME=1h of restarts)
	@hack/soak

.PHONY: bench
bench: image ## cold boots and restarts, measured against etcd and kube-apiserver alone (BENCH_N=10 of each)
	@environment=$$(hack/engine env); eval "$$environment"; \
		DOCKERNETES_IMAGE=$(IMAGE):$(TAG) CGO_ENABLED=0 go run -trimpath ./hack/bench

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, govulncheck, shellcheck
	@hack/lint

.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The programs. Go knows best what has to be compiled again; make only keeps it
# from being asked when nothing that it reads has changed.

PARTS    := 12

comma := ,
step   = @mkdir -p $(BIN); hack/step '[$(1)/$(PARTS)] $(2)'
# go-build: folder of the go.mod, values for the linker to set, what to build.
go-build = env CGO_ENABLED=0 go build -C $(1) -trimpath -buildvcs=false -ldflags "-s -w $(2)" $(3)
root     = $(CURDIR)/$(BIN)
# Go leaves alone what is up to date, with its old time.
built    = @touch $@

# What component-base and client-go say of themselves: to kubectl version, in
# metrics and in every request's user agent. There is no commit to name.
kubernetes-minor = $(word 2,$(subst ., ,$(KUBERNETES)))
kubernetes-x     = $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version, \
	-X $(p).gitVersion=$(KUBERNETES) -X $(p).gitMajor=1 -X $(p).gitMinor=$(kubernetes-minor) \
	-X $(p).gitTreeState=clean -X $(p).gitCommit=)

$(BIN)/kubernetes: go.mod go.sum $(wildcard cmd/kubernetes/*.go)
	$(call step,1,kubernetes $(KUBERNETES)) $(call go-build,.,$(kubernetes-x),-o $(root)/kubernetes ./cmd/kubernetes)
	$(built)

$(BIN)/etcd: components/etcd/go.mod components/etcd/go.sum
	$(call step,2,etcd $(ETCD)) $(call go-build,components/etcd,,-o $(root)/etcd go.etcd.io/etcd/server/v3)
	$(built)

containerd-x = -X github.com/containerd/containerd/v2/version.Version=$(CONTAINERD)
$(addprefix $(BIN)/,containerd containerd-shim-runc-v2 ctr) &: components/containerd/go.mod components/containerd/go.sum
	$(call step,3,containerd $(CONTAINERD)) $(call go-build,components/containerd,$(containerd-x),-o $(root)/ tool)
	@touch $(addprefix $(BIN)/,containerd containerd-shim-runc-v2 ctr)

# Without seccomp every pod would fail; the library is C, and linked in.
$(BIN)/runc: components/runc/go.mod components/runc/go.sum
	$(call step,4,runc $(RUNC)) env CGO_ENABLED=1 go build -C components/runc -trimpath -buildvcs=false \
		-tags "seccomp netgo osusergo" -ldflags '-s -w -linkmode external -extldflags "-static"' \
		-o $(root)/runc github.com/opencontainers/runc
	$(built)

moby-x = -X github.com/moby/moby/v2/dockerversion.Version=$(patsubst v%,%,$(MOBY)) \
	-X github.com/moby/moby/v2/dockerversion.PlatformName=Dockernetes -X github.com/moby/moby/v2/dockerversion.GitCommit=$(MOBY)
$(addprefix $(BIN)/,dockerd docker-proxy) &: components/moby/go.mod components/moby/go.sum
	$(call step,5,dockerd $(MOBY)) $(call go-build,components/moby,$(moby-x),-o $(root)/ tool)
	@touch $(addprefix $(BIN)/,dockerd docker-proxy)

# The client's repository has no go.mod, which to Go means the language of 1.16.
docker-x = -X github.com/docker/cli/cli/version.Version=$(patsubst v%,%,$(DOCKER)) -X github.com/docker/cli/cli/version.GitCommit=$(DOCKER)
$(BIN)/docker: components/docker-cli/go.mod components/docker-cli/go.sum
	$(call step,6,docker $(DOCKER)) $(call go-build,components/docker-cli,$(docker-x),-gcflags "github.com/docker/cli/...=-lang=go1.25" -o $(root)/docker github.com/docker/cli/cmd/docker)
	$(built)

$(BIN)/docker-buildx: components/buildx/go.mod components/buildx/go.sum
	$(call step,7,docker buildx $(BUILDX)) $(call go-build,components/buildx,-X github.com/docker/buildx/version.Version=$(BUILDX),-o $(root)/docker-buildx github.com/docker/buildx/cmd/buildx)
	$(built)

$(BIN)/coredns: components/coredns/go.mod components/coredns/go.sum
	$(call step,8,coredns $(COREDNS)) $(call go-build,components/coredns,-X github.com/coredns/coredns/coremain.GitCommit=$(COREDNS),-o $(root)/coredns github.com/coredns/coredns)
	$(built)

cni-x = -X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=$(CNI)
$(addprefix $(BIN)/cni/,$(PLUGINS)) &: components/cni/go.mod components/cni/go.sum
	$(call step,9,CNI plugins $(CNI)) $(call go-build,components/cni,$(cni-x),-o $(root)/cni/ tool)
	@touch $(addprefix $(BIN)/cni/,$(PLUGINS))

$(BIN)/pause: go.mod $(wildcard cmd/pause/*.go)
	$(call step,10,pause) $(call go-build,.,,-o $(root)/pause ./cmd/pause)
	$(built)

# dnetinit carries kubeadm's packages, which ask component-base for their version.
dnetinit-sources = $(shell find cmd/dnetinit internal pkg -type f -not -name '*_test.go')
$(BIN)/dnetinit: go.mod go.sum VERSION $(dnetinit-sources)
	$(call step,11,dnetinit $(VERSION)) $(call go-build,.,$(kubernetes-x) -X github.com/lyft/dockernetes/internal/cli.version=$(VERSION),-o $(root)/dnetinit ./cmd/dnetinit)
	$(built)

# The images that a boot needs, in the OCI layout.
$(addprefix $(BUILD)/images/,pause.tar coredns.tar) &: $(addprefix $(BIN)/,pause coredns) internal/config/config.go $(wildcard hack/imagetar/*.go internal/imagetar/*.go)
	$(call step,12,the images of pause and CoreDNS) env CGO_ENABLED=0 go run -trimpath ./hack/imagetar -binaries $(BIN) -out $(BUILD)/images -coredns $(COREDNS)
