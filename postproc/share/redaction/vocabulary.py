"""Words that identify nobody: of protocols, codecs, products and log texts. All others may identify somebody.

This module alone decides which words redaction keeps and the final search for leaks ignores.

A word belongs here, in lower case, if it is in a standard or a registry (the RFCs named below, IANA's
registries), is how a well-known program names itself, or occurs in the fixed text of its messages.
A possible name of a person, company or town does not belong here, however common it is in calls: every
word added here will be shared from every site.
"""

import re
from collections.abc import Iterable

from postproc.model.logtexts import TEXTS

# Methods, header fields, option tags, parameters and values of SIP (IANA: sip-parameters), and of what
# else travels in it: MIME types, event packages, Q.850 causes by name, months and days of dates.
SIP_WORDS = """
    se caps vector dcs osps billing laes share priv served addresses guid parent av etsi cug pkcs7 av interact
    cnonce rspauth nextnonce auts contact answermode cseq ptime
    100rel 199 3gpp 3gpp2 850 a accept access ack active actor address adjacency adsl aes alert alerting
    alg algorithm alias allow alternate anonymous answer answered answermode anyauth app appearance
    application area asn asserted associated at attestation auth authenticate authentication
    authorization auto automata available b basic bearer block body boundary br branch breadth broadcast
    bye c call callcompletion called caller callid cancel cap capabilities capture card cause ccbs ccnr
    cell cellular cest cet chained challenge charge charged charging charset check cid class clear client
    close closed code codec comp completed composing composite compress conf conference configuration
    confirmed connect contact content control conversation cookie correlation count counter cpc cr cseq
    csta ctf current custom d data date db deactivated deferred deflate deflection delayed deliver
    delivery depth description diagnostic dial dialog digest direct direction disposition diversion
    docsis domain dsl dt dtls dtmf duplex duration e eal early elsewhere emergency encoding encrypted
    ended error etag eutran event eventlist events expired expires explicitsub extended extension
    external f fdd feature features fid file filename flow focus for fork format forwarded forwards
    fragment from full function functions g generated geolocation gin giveup global gmt gr gruu gzip h
    handling handset header hidden histinfo history hold holding hop hops html http https hunt i ice icid
    icon id identity ieee if im image ims in inactive inband index indication info initial instance
    interaction internal interval into invalid invite iq iscomposing isdn isdnuser isfocus iso isub isup
    itu j join joined json k keep kept key kpml l label lang langtag language languages lcs length level
    limit line list loc local location logging logme lr lst ltag m mac maddr mandatory manual match max
    maximum md5 media message method methods mime min minimum mixed mobility mode moved mp mpty msml
    multipart multiple multiplesubscribe n name nat native nc negotiate network new next no non nonce
    none norefersub normal nosub notification notify now npdi nt number o ob oc octet of off ok oli on
    oob opaque open option optional options or organization orig origination other outbound owner p
    package pai pani parallel parked part party passport patch path pause pcf pcs pending permission
    phone phonebook pidf plain play poc policy port ppi prack pragma pre precondition pref preferred pres
    presence pri priority privacy private privileged probation processing profile progress prot protocol
    provisioning proxy public publish pubtrans purpose q q850 q931 qop query queue queued qvalue r race
    rack random rate rcf readonly realm reason receive received record recordaware recording recv
    recvonly redirect redirection refer referral referred refersub refresher refused reg reginfo register
    registration reject rejected related relay release remote render rendering replace replaces
    replication reply request require required resource resourcepriority response restoration restricted
    resume retry rfc ring ringing rinstance rls rn role route routing rport rseq rtag rtcp rtp s sbc
    scheme screen sctp sdp sdpanat sec secondary seconds secs security select send sendmail sendonly
    sendrecv sequential server service sess session sessions sex sha shaken shared sid sigcomp signal
    simple sip sipfrag siprec sips sixteen slot snapshot source special src stale standard state status
    stir stream subject subscribe subscription subscriptions summary supported suppress svc t tag talk
    target tcp tdd tdialog tel telephone term terminated text tgrp tgw time timeout timer timestamp tls
    to token totag totalcount tote trace transaction transfer transport trickle trunk trunked trying ttag
    ttl tuple turn type u ua uac uas udp ui uid unbound uniform unknown unregistered unsubscribe
    unsupported update upgrade urgent uri url urn use user useragent userhash utc utf utran uui uuid v
    value vdsl vendor verification verified version via video visible visited vnd voice voicemail vs w
    wait waiting warning watcher watcherinfo websocket wifi winfo with within wlan ws wss x xcap xml y z
"""

# Codecs and media formats (IANA: media-types, rtp-parameters), as in a=rtpmap.
CODEC_WORDS = """
    theora vorbis nse xnse
    1998 2000 24 40 726 aal2 aal2g72616 ac3 alaw amr amrwb aptx atrac av1 av1x bv16 bv32 celt cipc
    clearmode cn comfort dvi4 eac3 es event evrc evrc0 evrc1 evrcb evrcb0 evrcwb evs flexfec g711 g722
    g7221 g7222 g723 g7231 g726 g72616 g72624 g72632 g72640 g728 g729 g7291 g729a g729b g729d g729e
    generic gsm gsmefr gsmhr h224 h261 h263 h263n h264 h265 h266 ilbc isac jpeg jpeg2000 l16 l20 l24 l8
    latm linear lpc lyra midi mp2t mp3 mp4a mp4v mpa mpeg mpeg4 mpv ms msrta mulaw mvc noise nv opus
    parityfec pcma pcmg pcmu polycom qcelp raptorfec red rta rtp rtploopback rtx silk siren siren14
    siren7 smartred smpte2022 smv speex svc t140 t140c t38 telephone tone ulaw ulpfec vmr vnd vp8 vp9 wb
    x x264
"""

# Attributes, transport protocols and tokens of session descriptions (IANA: sdp-parameters), of ICE
# (RFC 8839), of SDES (RFC 4568) and of RTP header extensions (RFC 8285).
SDP_WORDS = """
    fb cost pwd
    01 02 03 128 192 256 32 8 80 8bit abs absolute acap accept acfg active actpass aead aes aggregate
    align allocation allocation00 allowed alt anat annexa annexb application apt as asymmetry audio avp
    avpf band bandwidth base bfcp bitrate bits broadcast bundle candidate candidates capability capture
    cat cbr cc ccm cdsc cfg chan change channel channels charset cif cif16 cif4 client cliprect clock cm
    cname color conference confid config configuration conn connection constraint content controlled
    controlling corruption cpar cpcf cpresent crc crypto csup ct ctr cur curr custom datachannel dcmap
    dcsa dd delay dependency depth des descriptor detection dir direction doubango draft dtls dtmf dtx
    duplex dynamic encrypt end existing experiments extension extmap f f8 false fci fec feedback fid
    filter fingerprint fir floor floorctrl floorid fmtp foundation fr frame framerate frames framing gcm
    generation goog gov group h hash hdrext hi high hmac holmer host http ice ietf image imageattr in
    inactive inband inline interlace interleaving ip ip4 ip6 ipv4 ipv6 kdr key keywds l lang layer layers
    level lifetime lip lite lntf lo localmac localtcf low lr ls m main mandatory max maxaveragebitrate
    maxcapturerate maxdisplaysize maxplaybackrate maxprate maxptime maxval mbps md5 media mediaclk medium
    message mgmt mid mikey mime minptime mix mixer mki mode modechange moderated modeset modified more
    mptime msid mslabel msrp mstrm mute mux nack neighbor network nic no nomix nortcp nortpproxy notmc
    nov ntp null object octet only oob optional order org orient orientation out pacing packet
    packetization par param parameters params passive password path pcfg period phon playout pli pll
    prflx profile pt ptime ptimes ptp pub q qcif qoe qos quality raddr range rate rates recv recvonly red
    reduced refclk refresh relay relayed remb remote renomination repair require required rid
    rids rmcat robust role rpsi rr rrtr rs rsize rtcp rtcweb rtp rtpmap rtx sampling sap sar savp savpf
    sctp sctpmap sctpport sdes sdpfrag sdplang sdpneg secure seed semantic semantics send sender sendonly
    sendrecv session set setup sha sha1 silence silencesupp sim simulcast size sl slides smptetc sorting
    source space speaker sprop sqcif sqn srflx srtp ss ssrc ssrcgroup stap stats stereo streams suite
    summary supp support swap t1 t2 t38faxfillbitremoval t38faxmaxbuffer t38faxmaxdatagram
    t38faxratemanagement t38faxtranscodingjbig t38faxtranscodingmmr t38faxudpec t38faxudpecdepth
    t38faxversion t38maxbitrate t38maxdatagram t38udpfec t38udpredundancy t38vendorinfo tcap tcptype tias
    time timing tls tmmbn tmmbr toffset tool traceable transferredtcf transport trickle true ts tsi twcc
    typ type udp udpfec udpredundancy udptl ufrag unauthenticated unencrypted unicast uri urn use usedtx
    useinbandfec user vad vbr version video wait webrtc wide wms wsh www x xr yes zrtp
"""

# Reason phrases and texts of responses: RFC 3261, section 21, Q.850, and well-known programs.
PHRASE_WORDS = """
    a able about absent accept acceptable access active address after all allotted allowed already also
    alternative ambiguous an and anonymity another answer answered any are as attempted attended
    authentication avail available back bad bandwidth barred be bearer bearercapability been being blind
    body both branches busy but by call callee calling calls cancel canceled cancelled cannot capability
    case ccbs chan change changed choices circuit cleared clearing closed code command completed
    completion compression conditional congestion connection consent contact conversion crash created
    credentials cug currently deactivated decline declined default demand denied destination detected
    device dialog did different disallowed discarded disconnect disconnected disturb does domain down due
    during early element else elsewhere embedded enough entity equipment error event everywhere exceeded
    exchange exist exists expired expires extension facility failed failure fault feature flow forbidden
    format found from function gateway given gone group gsm handled hangup has have here hung identity ie
    implemented important in incoming incompatible incomplete information inside instance insufficient
    interface interim internal interrupted interval interworking invalid is it item large later lifetime
    line list location long longer loop lose lost made managed mandatory many media message method might
    misdialled mismatch missing moved msg multiple must nack needed network no nobody non nonce normal
    not nothing notification number of off offer offered offline ok on one only or order originator out
    outgoing overload overloaded party password path payment peer pending per permanent permanently
    permission picked pickup please point policy precondition preempted preemption prefix presently
    privacy processing progress prohibited protocol provider provisional proxy queued race re reached
    reason recipient recovery referred refused register registered rejected rejection relationship
    release remote removed replaced request requested require required resource resources response
    restricted restriction retry returned ring ringing route routing same seconds secure select selected
    semantics send sent sequence server service session setup short signal simultaneous single specified
    stale state subscriber such support supported system temporarily temporary terminated terminating
    than that the there this time timed timeout times tone too transaction transfer transferred transit
    trunk trunks try trying type unacceptable unallocated unassigned unauthorized unavailable
    undecipherable unexpected unknown unregistered unspecified unsupported unwanted up use used user
    username valid version wait was were when whitelist will with within without wrong you your
"""

# Names of well-known programs and telephones, and of the systems they run on.
PRODUCT_WORDS = """
    32bit 3cx 3cxphone 3cxphonesystem 64 64bit a aarch64 aastra acrobits adore agent alcatel ale algo
    allworx alpha altigen amazon amd64 android anveo app apple applewebkit arm arm64 armv7 armv7l
    asterfax asterisk atcom audiocodes aura avaya avm baresip belledonne beta bird bit blink bluebox
    border bordercontroller bria bridge broadsoft broadworks browser build bulkvs c3 call callcontrol
    chan chime chrome cirpack cisco client communications communicator conference connect controller
    conversation core coturn counterpath cpe csipsimple cube cucm curl darwin debian debug desktop dev
    dialogic digium dotnet drachtio edge edition ekiga elastix emulator enterprise ericsson estos exosip
    exosip2 express eyebeam fanvil fax firefox firmware framework free freepbx freeswitch friendly fritz
    fritzbox frozen fw gateway gecko genband gigaset git gnugk google grandstream groundwire gxp gxw
    hardphone homer huawei hw i386 i686 iad icelink iceserver imail ims innovaphone intel internet ios ip
    ipad iphone issabel isymphony jain jami janus java jitsi jssip jvm kamailio khtml kphone lab labs
    lancom library lifesize like linksys linphone linphoneandroid linphonecore linphoneiphone linphonesdk
    linux lite lync mac macintosh macos macosx manager media mediant mediaserver mediasoup mera microsip
    microsoft miniport minisip mips mitel mizu mobicents mobile mod module mountain mozilla ms nec nero
    net netborder nexmo node nortel nt obihai octopus oneplus onsip ooma opal open opensbc openscape
    openser opensips openstage opentok openvox opera oracle osip osip2 osxiphone panasonic patton pbx pc
    pexip phone phoner phonerlite pjsip pjsua platform plivo plugin poco poly polycom portasip portsip
    ppc premium pro professional provisioning python qt quintum rapid rc reciprocate release repro
    resiprocate restcomm rev revision ribbon router rtcp rtpengine rtpproxy safari samsung sangoma sbc
    scanner sdk sems ser series server session siemens simulator sip sipgateway sipml5 sipp sipper sipps
    sippserver sippx sippy sipsak sipserver sipsorcery siptapi sipura sipvicious sjphone skype smartnode
    snom sofia soft softclient softphone softswitch software softx3000 sonus spa spectralink stable stack
    stamp standard starface starsip stun svn sw swyx swyxit symbian symphony talk tandberg teams
    telephone telephony telnyx test thomson tinysip tool tools trixbox turn twilio twinkle ubiquiti
    ubuntu uctalk unifi unify unix vega version verto vodia voip voipmonitor vonage voxeo web webex
    webkit webrtc webrtc2sip wildix win32 win64 windows windows10 wsip x x64 x86 xlite xphone yate
    yealink yeastar zfone zoiper zoom zte zyxel
"""

# FreeSWITCH's log lines: levels, files, states, modules, its own variables.
LOG_WORDS = """
    2833 abandoned abort aborted about above absent accepted acknowledge acl acquire action actions
    activate activated activating activation active add added adding additional addr address adjust
    adjusting adpcm after age agent aiff aleg alert all allocate allocated allocation allocator allow
    allowed already alternate always amd amrwb an and anonymous answer answered anti any api app append
    application applications apply applying appname apr are arg args array as asc ask assign associated
    async at atomic attach attached attempt attempting attempts attr attribute attribution audio auth
    authenticate authentication authorized auto autoflush available average avg avr b64 back background
    bad bandwidth banner base based be because been before begin beginning behavior behind being below
    bert between bg bgapi bgsystem bind binding bindings bit bitrate bits bleg blind block blocked
    blocking body bool boot both bowout break bridge bridged bridging broadcast bucket buffer buffering
    bug buglist bugs build busy but by bye bypass byte bytes c cache cached caf calc call callback called
    callee caller callflow calling calls callstate can cancel cancelled candidate candidates cannot
    capabilities capability capture cas category cause caused causing cb cc cdr center cfg change changed
    changes changing channel channeldata channels chat check checked checking child choose choosing
    chosen chunk cid cidlookup class cleaned cleanup clear cleared clearing client clients clock clone
    close closed closing cmd coalesce code codec codecs collect come command commands comment commit
    compare comparing complete completed completing completion cond condition conditions conf conference
    config configuration configure configured confirm confirmed conflict connect connected connecting
    connection console consume consuming contact contacts contain contains content context continue
    continuing control controller conversion convert converting cookie copied copy core correct
    correcting corrupt could count counter country cpp cpu create created creating creation crit critical
    crypto cs cseq csv cur curl curr current currently custom cut d data database datagram date db
    deactivate dead debug debug0 debug1 debug10 debug2 debug3 debug4 debug5 debug6 debug7 debug8 debug9
    dec decode decoder decoding decrement decrypt deduplicate def default define defined deflect del
    delay delayed delete deleted deleting delimiter delivered demand denied deny depth desc description
    desired destination destroy destroyed destroying detach detect detected detecting detection determine
    dev device dial dialect dialed dialing dialog dialogs dialplan dialstring did diff difference
    different dig digest digit digits dir direct direction directory disable disabled disabling discard
    discarded discarding disconnect disconnected disconnecting display distributor dlg dll do does domain
    domains done dont double down download dptools driver drop dropped dropping dsn dst dtls dtmf dual
    dump duplicate duration during dwvw dynamic each early ears echo edge effective either else email
    emerg empty enable enabled enabling encode encoder encoding encrypt encryption end ended ending
    endpoint engine ensure enter entered entering enterprise entities entries entry enum env eof epoch
    equal err errno error errors es esc escape esf esl establish established ev eval evaluate event
    events every exceeded exceeds exchange exclusive exec execute executed executing execution exist
    existing exists exit exited exiting exp expand expected expire expired expires export exported
    exporting expression ext extended extension external extra failed failing failover fails failure
    failures fallback false family far fast fax feature features feed fetch fetched fetching field fifo
    file fileman filename files filter final find fingerprint finish finished finishing fire fired firing
    first fix fixed flac flag flags float flush flushed flushing fmtp follow following for force forced
    forcing foreign fork form format formats forward forwarding found frame frames free freed freeswitch
    freq frequency from fs fsapi fsctl full function further gain gateway gateways gather general
    generate generated generating generic gentones get getcputime getenv gethost getting getvar git give
    given giving global globals glue going good got grammar grant granted greater greedy group groups
    gsm610 gw h had half handle handled handler handling handshake hang hanging hangup hard has hash have
    having header headers heartbeat held help here hex high higher hit hmm hold holding home hook host
    hostname hosts how htk httapi hung hungup hupall hz ice id ideal idle idx if iface ignore ignored
    ignoring ima image immediate immediately impl implementation import in inactive inband inbound
    include including incoming incompatible increase increment index inf info inherit ini init initial
    initialization initialize initialized initializing initiate inline input insert inserted inside
    install instance instead int integer intercept interface interfaces internal interrupted interval
    into invalid invite invoke invoked io ip ipv4 ipv6 ircam is isac isn it item its ivr jb jitter
    jitterbuffer job join joined joining js json just keep keepalive key keyframe keys kick kill killed
    kind l16 label lan language large largest last late latency later launch launched launching lead leak
    least leave leaving leg legacy legs length less level library like limit limited line linear lines
    link list listed listen listener listening lists load loadable loaded loading loc local localnet
    locate location lock locked locking log logged logger logging logic login loglevel logo logs long
    longer look looking looks lookup loop loopback looping lost low lower lua machine made main
    maintenance make makes making malformed manage management manager map mapped mapping mark marked
    marker mask master mat4 mat5 match matched matches matching max maximum maxptime may mean means media
    mediastats mem member members memory merge message messages meta method mic microseconds might
    milliseconds min minimum minutes misc misdialed mismatch missed missing mix mixed mixing mod mode
    modified modify module modules moh monitor more mos most move moved moving mpc2k ms msg msrp much
    multi multicast multiple music must mute muted mutex mux name named names nat native need needed
    needs negative negotiate negotiated negotiation net network networks never new next nightmare nist no
    node noise none normal not note nothing notice notification notify novideo now ntlm null num number
    numbers obj object odbc of off offer offered offset oga ogg ok old on once one only open opened
    opening operation optimization option optional options opusfile or order orig original originate
    originated originating originator osp other out outbound outgoing output outside over overflow
    overlap override overriding own owner pack packet packetization packets paf page paging pair pairs
    param parameter parameters params park parked parking parse parsed parser parsing part partial parts
    pass passed passing passive password patch path pattern pause paused payload payloads pb pcm pcm16
    peer peers pending per percent perf perform performance period periodic perl permanent permission
    phone phrase pickup picture pid ping pipe place plan play playback played playfile playing plc please
    plus png point pointer policy poll polling pool pop port portable ports position possible post pre
    preanswer prefer preferred prefix prefs prepare preparing preprocess presence present press pressed
    prev prevent previous primary print priority privacy private probably problem proceeding process
    processed processing prof profile profiles progress prompt proper property prot proto protocol
    provide provided proxy ptime public publish pull purge push put pvf py python query question queue
    queued queues quit quota race range rate rates ratio raw rc re reached read reading reads ready real
    realm reason received receiving recent recheck recon reconnect record recorded recorder recording
    recover recovered recovery recv red redirect reduce reduced ref refer reference references refresh
    refused reg regex register registered registering registration registrations reinvite reject rejected
    related relative relay release released releasing reload reloadacl reloading reloadxml remain
    remaining remap remote remove removed removing rename render reneg renegotiate repeat replace
    replaced replacing reply report reporting reports request requested requesting requests require
    required requires reservation reset resetting resolution resolve resolved resort resource resources
    respond responding response responses rest restart restarted restarting result resulted results
    resume resuming retries retry retrying return returned returning returns reuse reverse rewind rf64
    rfc right ring ringback ringing robustness role room root
    round route routed routing rpc rpid rport rtcp rtp rtpmap rtt rule run running runtime safe same
    sample samples save saved saving say sched schedule scheduled scheduler scope score screen script sd2
    sdp sds search searching sec second secondary seconds section secure security see seek select
    selected self send sending sends sent seq sequence serial series server servers service session
    sessions set sets setting settings setup setvar shared shell short should shout show shut shutdown
    shutting side sign signal signaled signalling signed silence silent silk simple simplify since single
    sink sip size skel skip skipped skipping sla slave sleep sleeping slot slow sms snapshot sndfile so
    socket sofia soft software some something sorry sort sound source space spandsp spawn speak specified
    specify speech speed spidermonkey split spread spy sql sqldb sqlite src srflx srtp srv ssl ssrc st
    stack stale standard start started starting starts startup stat state states static stats status step
    stereo still stir stop stopped stopping storage store stored str stray stream streaming streams
    strepoch strftime strict string strings strip strmicroepoch stun sub subclass subject submit
    subscribe subscriber subscription subscriptions success successful successfully such suitable suite
    summary support supported supports suppress suspend suspicious sv16 svx8 switch switchname symbol
    sync synchronized syntax system table tag take taken talk target task tcp tdd technology tel
    telephone template temporary terminate terminated terminating test text than that the them then there
    these they thing things think this those thread threads three threshold through ticks time timed
    timeout timeouts timer timerfd timers times timestamp timezone tls to toggle token tolower tone tones
    too tool top tot total toupper trace track transaction transactions transcode transcoding transfer
    transferred transferring transform translate transmit transport trap treat tried trigger triggered
    true truncated trunk trusted try trying tts turn tweak two txt type types tz uac uas udp ulimit
    unable unallocated unauthorized unavailable unbind unblock unbridge unchanged undefined under undo
    unexpected unhold unicast unique unit unknown unlink unload unlock unloop unmask unmute unpark
    unregister unrelated unsched unset unshift unsupported until up update updated updating upgrade
    uptime uri url us usage use used user username users uses using ustream util utils uuid v4 v6 v8 vad
    vadj valid validity value values var variable variables vars vbr verbose verification verified verify
    verifying version verto via vid video virtual visual vm voc voice voicemail vol volume vox vpx w64
    wait waiting wake wan want wanted warn warning was watch watchdog wav wave wavex way web webrtc
    websocket were what when where which while why wide width will window with within without word work
    worker working would wrap write writing written wrong wve xfer xi xml xs4k yes yet you zero zombie
    zone
"""

# Top-level domains that reveal no more than a country code, and those outside the public DNS.
DOMAIN_WORDS = """
    app arpa biz cloud com corp dev domain edu eu example gov home info int intern internal intra
    intranet invalid io lan local localdomain localhost mil net org private test
"""

# Words of the above that are also people's names: they stay only in all lower or all upper case.
NAME_WORDS = """
    april august bill carol chan chase drew frank grant guy homer jan janus june king lance mark max may opal
    page rose sofia vega will
"""


PIECE = re.compile(r"[a-z0-9]+")
WORD = re.compile(r"(?:[^\W_]|[\udc80-\udcff])+")  # undecodable bytes count as letters
LETTERS = re.compile(r"[A-Za-z]{3,}")
COUNTED = re.compile(r"(?:x|v)?\d{1,3}(?:ms|s|bit|k|kbps|hz|khz)?|cs\d?", re.IGNORECASE)
SHORT_NUMBER = 2  # digits: a longer number may be an extension
LONGEST_VERSION = 9  # digits: a longer one may be a dotted telephone number
RFC = re.compile(r"rfc\d{3,5}", re.IGNORECASE)  # a cited document
VERSION = re.compile(r"[vV]?\d{1,3}(?:\.\d{1,6}){1,3}")
# A grouped number, an address or a version, but no SIP status line.
GROUPED = re.compile(r"(?<!SIP/)(?<![\w.+])\+?\d{1,5}(?:[ ./~-]\d{1,5}){2,9}(?!\w)")
ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# The parts of a log text pattern that are no words: escapes, group names, character sets.
WORDLESS = re.compile(r"\\.|\(\?P<\w+>|\[[^\]]*\]", re.DOTALL)
DICTIONARY = frozenset(
    word
    for text in (
        SIP_WORDS,
        CODEC_WORDS,
        SDP_WORDS,
        PHRASE_WORDS,
        PRODUCT_WORDS,
        LOG_WORDS,
        *(WORDLESS.sub(" ", text.pattern.pattern) for text in TEXTS),
    )
    for word in PIECE.findall(text.lower())
)
CODECS = frozenset(CODEC_WORDS.split())
NAMES = frozenset(NAME_WORDS.split())
DOMAINS = frozenset(DOMAIN_WORDS.split())


class Known:
    """The words that stay; ``products`` are patterns of a deployment's product names.

    ``"text" in known`` is true if every word of a text stays.
    """

    def __init__(self, products: Iterable[str] = ()) -> None:
        self._products = [re.compile(pattern) for pattern in products]
        product_words = (word for each in self._products for word in LETTERS.findall(each.pattern))
        self._words = DICTIONARY | {word.lower() for word in product_words}
        self._answers: dict[str, bool] = {}

    def word(self, word: str) -> bool:
        """Whether a word (no spaces, no punctuation) identifies nobody."""
        if word not in self._answers:
            self._answers[word] = self._is_word(word)
        return self._answers[word]

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and all(map(self.word, WORD.findall(text))) and not GROUPED.search(text)

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Return the spans of product names in a program's name, sorted."""
        spans = (match.span() for pattern in self._products for match in pattern.finditer(name))
        return sorted((start, end) for start, end in spans if start < end)

    def _is_word(self, word: str) -> bool:
        lower = word.lower()
        if not word.isascii():
            return False
        if word.isdecimal():
            return len(word) <= SHORT_NUMBER
        if lower in NAMES:
            return word in (lower, word.upper())
        if lower in self._words or len(word) == 1:
            return True
        if RFC.fullmatch(word):
            return True
        return bool(COUNTED.fullmatch(word)) and sum(map(str.isdigit, word)) <= SHORT_NUMBER


def is_version(text: str) -> bool:
    """Whether this looks like a program's version, not like an address or a dotted telephone number."""
    if not VERSION.fullmatch(text) or ADDRESS.fullmatch(text):
        return False
    bare = text.lstrip("vV")
    return sum(map(str.isdigit, bare)) <= LONGEST_VERSION and not re.match(r"0\d", bare)


def is_codec(name: str) -> bool:
    """Whether this is the name of a codec or media format, as in rtpmap."""
    pieces = PIECE.findall(name.lower())
    return name.isascii() and all(piece in CODECS or _is_short_number(piece) for piece in pieces)


def _is_short_number(piece: str) -> bool:
    return piece.isdecimal() and len(piece) <= SHORT_NUMBER
